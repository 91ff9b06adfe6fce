import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { failure } from '../conformance/support/expect.js';
import type { Adapter } from '../contract/index.js';
import { type Handler, overUpstream } from './testing/bad-upstream.js';

const ETAG = createHash('md5').update('part').digest('hex');
const WHOLE = `${createHash('md5').update(ETAG, 'hex').digest('hex')}-1`;

type Listed = 'the part' | 'another part' | 'no part' | 'no upload';

/** Takes no completion, and lists parts before and after it as it is told. */
function refusing(code: string, before: Listed, after: Listed): Handler {
  let completions = 0;
  return (request, response) => {
    const error = (status: number, name: string) =>
      void response.writeHead(status).end(`<Error><Code>${name}</Code><Message>No</Message></Error>`);
    if (request.method === 'POST') {
      completions += 1;
      request.resume();
      return error(400, code);
    }
    if (request.method === 'HEAD') {
      const headers = { 'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT', 'content-length': 4 };
      return void response.writeHead(200, { ...headers, etag: `"${WHOLE}"` }).end();
    }
    if (!request.url?.includes('uploadId=')) return error(404, 'NoSuchKey');
    const listed = completions === 0 ? before : after;
    if (listed === 'no upload') return error(404, 'NoSuchUpload');
    const etag = listed === 'the part' ? ETAG : 'f'.repeat(32);
    const part = `<Part><PartNumber>1</PartNumber><ETag>"${etag}"</ETag><Size>4</Size></Part>`;
    const parts = listed === 'no part' ? '' : part;
    response.end(`<ListPartsResult><IsTruncated>false</IsTruncated>${parts}</ListPartsResult>`);
  };
}

const complete = (adapter: Adapter) =>
  adapter.completeUpload({
    bucket: 'bucket',
    key: 'key',
    upload_id: 'upload',
    parts: [{ part_number: 1, etag: ETAG }],
  });

/** Garage 2.5 reads an upload and its parts apart: the parts of one that another request completes are gone first. */
describe('an upload that another request completes at the same time', () => {
  it.each([
    ['InvalidPart', 'no upload'],
    ['InvalidRequest', 'no upload'],
  ] as const)('is found where the upstream says %s, and then lists %s', async (code, after) => {
    await overUpstream(refusing(code, 'the part', after), async (adapter) => {
      expect(await complete(adapter)).toMatchObject({ key: 'key', etag: WHOLE });
    });
  });

  it.each([
    ['InvalidPart', 'the part'],
    ['InvalidPart', 'no part'],
    ['InvalidRequest', 'no part'],
  ] as const)('is a conflict where the upstream says %s, and still lists %s', async (code, after) => {
    await overUpstream(refusing(code, 'the part', after), async (adapter) => {
      await failure(complete(adapter), 'conflict', 'upload');
    });
  });

  it.each([
    ['InvalidPart', 'the part', 'another part', 'invalid_part'],
    ['InvalidRequest', 'the part', 'the part', 'invalid'],
    ['InvalidPart', 'another part', 'another part', 'invalid_part'],
    ['InvalidPart', 'no part', 'no part', 'invalid_part'],
  ] as const)(
    'is none where the upstream says %s, and lists %s, then %s',
    async (code, before, after, kind) => {
      await overUpstream(refusing(code, before, after), async (adapter) => {
        await failure(complete(adapter), kind);
      });
    },
  );
});
