import { expect, it } from 'vitest';
import { failure } from '../conformance/support/expect.js';
import { type Handler, overUpstream } from './testing/bad-upstream.js';

const HOUR_MS = 3_600_000;
const XML = { 'content-type': 'application/xml' };

/** An upstream that remembers records of two uploads, of which it knows the second only. */
function withRecords(removed: string[], created_at_ms: number): Handler {
  return (request, response) => {
    const path = decodeURIComponent(request.url ?? '');
    if (path.includes('list-type')) {
      const names = ['bucket/gone.json', 'bucket/live.json'].map(
        (name) => `<Contents><Key>uploads/${name}</Key></Contents>`,
      );
      response.writeHead(200, XML).end(`<ListBucketResult>${names.join('')}</ListBucketResult>`);
    } else if (request.method === 'DELETE') {
      removed.push(path);
      response.writeHead(204).end();
    } else if (path.includes('/uploads/')) {
      const upload_id = path.includes('gone') ? 'gone' : 'live';
      const record = { info: { key: 'key', upload_id, created_at_ms }, checksum: null };
      response.writeHead(200, { etag: '"e"' }).end(JSON.stringify(record));
    } else if (path.includes('uploadId=live')) {
      response.writeHead(200, XML).end('<ListPartsResult/>');
    } else {
      response.writeHead(404, XML).end('<Error><Code>NoSuchUpload</Code><Message>None</Message></Error>');
    }
  };
}

it('removes what is known of uploads that are gone, once they are old', async () => {
  const removed: string[] = [];
  const now_ms = Date.now();
  await overUpstream(withRecords(removed, now_ms), async (adapter) => {
    await adapter.maintain({ now_ms });
    expect(removed).toEqual([]);
    await adapter.maintain({ now_ms: now_ms + 2 * HOUR_MS });
    expect(removed).toHaveLength(1);
  });
});

it('waits for an upstream that is down, and says what else is wrong', async () => {
  let status = 503;
  const failing: Handler = (_request, response) => void response.writeHead(status).end();
  await overUpstream(failing, async (adapter) => {
    expect(await adapter.maintain({ now_ms: Date.now() })).toEqual({ removed_blobs: 0, freed_bytes: 0 });
    status = 403;
    await failure(adapter.maintain({ now_ms: Date.now() }), 'access_denied');
  });
});
