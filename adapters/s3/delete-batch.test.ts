import { describe, expect, it } from 'vitest';
import { isStoreError } from '../contract/index.js';
import { bodyOf, type Handler, overUpstream } from './testing/bad-upstream.js';

/** Each key fails with the code that it is named after. */
const failing: Handler = async (request, response) => {
  const body = (await bodyOf(request)).toString();
  if (request.method !== 'POST') return void response.writeHead(request.method === 'HEAD' ? 200 : 404).end();
  const errors = [...body.matchAll(/<Key>([^<]+)<\/Key>/g)].map(
    ([, key]) => `<Error><Key>${key}</Key><Code>${key}</Code><Message>No</Message></Error>`,
  );
  response.writeHead(200, { 'content-type': 'application/xml' });
  response.end(`<DeleteResult>${errors.join('')}</DeleteResult>`);
};

const KINDS = {
  SlowDown: 'throttled',
  SlowDownWrite: 'throttled',
  ServiceUnavailable: 'unavailable',
  InternalError: 'unavailable',
  ServerBusy: 'unavailable',
  RequestTimeout: 'unavailable',
  XMinioServerNotInitialized: 'unavailable',
  XMinioBackendDown: 'unavailable',
  NobodyKnowsThisCode: 'unexpected',
  AccessDenied: 'access_denied',
  InvalidArgument: 'invalid',
  MalformedXML: 'invalid',
  KeyTooLongError: 'invalid',
  XMinioInvalidObjectName: 'invalid',
};

describe('deletes that fail inside an answer of success', () => {
  it('are what their codes say, so that whoever may repeat them does', async () => {
    await overUpstream(
      failing,
      async (adapter) => {
        const objects = Object.keys(KINDS).map((key) => ({ key }));
        const results = await adapter.deleteObjects({ bucket: 'bucket', objects });
        const kinds = results.map((result) =>
          'error' in result && isStoreError(result.error) ? result.error.kind : 'none',
        );
        expect(Object.fromEntries(objects.map(({ key }, index) => [key, kinds[index]]))).toEqual(KINDS);
      },
      { provider: 'garage' },
    );
  });
});
