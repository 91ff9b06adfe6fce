import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../config/limits.js';
import { failure } from '../conformance/support/expect.js';
import type { Adapter } from '../contract/index.js';
import { type Handler, overUpstream } from './testing/bad-upstream.js';

const COPIED_AT = '2026-01-01T00:00:00.007Z';
const NEWER = '2026-01-01T00:00:00.008Z';

/** Answers each copy with 200, and takes none before the given one. */
function losing(taken_from: number): { readonly handler: Handler; readonly copies: () => number } {
  let copies = 0;
  const handler: Handler = (request, response) => {
    const headers = { etag: '"e"', 'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT', 'content-length': 0 };
    if (request.method === 'HEAD') return void response.writeHead(200, headers).end();
    if (request.method === 'GET' && !request.url?.includes('list-type=2'))
      return void response.writeHead(404).end();
    const fields = (at: string) => `<ETag>"e"</ETag><LastModified>${at}</LastModified>`;
    if (request.method === 'PUT') {
      copies += 1;
      return void response.end(`<CopyObjectResult>${fields(COPIED_AT)}</CopyObjectResult>`);
    }
    const stands = copies >= taken_from ? COPIED_AT : NEWER;
    const entry = `<Contents><Key>key</Key><Size>0</Size>${fields(stands)}</Contents>`;
    response.end(`<ListBucketResult><IsTruncated>false</IsTruncated>${entry}</ListBucketResult>`);
  };
  return { handler, copies: () => copies };
}

const copy = (adapter: Adapter) =>
  adapter.copyObject({
    source: { bucket: 'bucket', key: 'source' },
    bucket: 'bucket',
    key: 'key',
    replace_attributes: false,
    replace_tags: false,
  });

/** Garage 2.5 writes a copy with its clock's time, also where the target has a newer one: the copy is lost. */
describe('a copy that was lost without a word', () => {
  it('is made again until it stands', async () => {
    const { handler, copies } = losing(3);
    await overUpstream(
      handler,
      async (adapter) => {
        expect((await copy(adapter)).info.etag).toBe('e');
        expect(copies()).toBe(3);
      },
      { provider: 'garage' },
    );
  });

  it('is never acknowledged', async () => {
    const { handler, copies } = losing(Number.POSITIVE_INFINITY);
    await overUpstream(
      handler,
      async (adapter) => {
        await failure(copy(adapter), 'unavailable', 'adapter');
        expect(copies()).toBe(LIMITS.upstream_copy_rounds_max);
      },
      { provider: 'garage' },
    );
  });
});
