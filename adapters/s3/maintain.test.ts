import { expect, it } from 'vitest';
import { failure } from '../conformance/support/expect.js';
import { type Handler, overUpstream } from './testing/bad-upstream.js';

const HOUR_MS = 3_600_000;
const XML = { 'content-type': 'application/xml' };
const error = (code: string) => `<Error><Code>${code}</Code><Message>No</Message></Error>`;

/**
 * An upstream that remembers records of uploads, under places with the id of each: `live` it knows, `denied` it says
 * nothing of, others are gone. The record of `lost` vanishes when it is read.
 */
function withRecords(places: readonly string[], created_at_ms: number) {
  const [removed, listed_behind] = [[] as string[], [] as string[]];
  const handler: Handler = (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://host');
    const path = decodeURIComponent(pathname);
    if (searchParams.has('list-type')) {
      const behind = searchParams.get('start-after') ?? '';
      listed_behind.push(behind);
      const left = places.map((place) => `uploads/${place}`).filter((key) => key > behind);
      const keys = left.slice(0, Number(searchParams.get('max-keys')));
      const entries = keys.map((key) => `<Contents><Key>${key}</Key></Contents>`).join('');
      const truncated = `<IsTruncated>${keys.length < left.length}</IsTruncated>`;
      response.writeHead(200, XML).end(`<ListBucketResult>${truncated}${entries}</ListBucketResult>`);
    } else if (request.method === 'DELETE') {
      removed.push(path);
      response.writeHead(204).end();
    } else if (path.endsWith('/lost')) {
      response.writeHead(404, XML).end(error('NoSuchKey'));
    } else if (path.includes('/uploads/')) {
      const record = {
        info: { key: 'key', upload_id: path.split('/').at(-1), created_at_ms },
        checksum: null,
      };
      response.writeHead(200, { etag: '"e"' }).end(JSON.stringify(record));
    } else if (searchParams.get('uploadId') === 'live') {
      response.writeHead(200, XML).end('<ListPartsResult/>');
    } else if (searchParams.get('uploadId') === 'denied') {
      response.writeHead(403, XML).end(error('AccessDenied'));
    } else {
      response.writeHead(404, XML).end(error('NoSuchUpload'));
    }
  };
  return { handler, removed, listed_behind };
}

it('removes what is known of uploads that are gone, once they are old', async () => {
  const now_ms = Date.now();
  const { handler, removed } = withRecords(['bucket/gone', 'bucket/live'], now_ms);
  await overUpstream(handler, async (adapter) => {
    await adapter.maintain({ now_ms });
    expect(removed).toEqual([]);
    await adapter.maintain({ now_ms: now_ms + 2 * HOUR_MS });
    expect(removed).toHaveLength(1);
  });
});

it('goes on with the next page where a record of this one has vanished', async () => {
  const now_ms = Date.now();
  const numbers = Array.from({ length: 250 }, (_, n) => `bucket/${String(n).padStart(3, '0')}`);
  const { handler, listed_behind } = withRecords(['a/lost', ...numbers], now_ms);
  await overUpstream(handler, async (adapter) => {
    for (let n = 0; n < 3; n++) await adapter.maintain({ now_ms });
    expect(listed_behind).toEqual(['', 'uploads/bucket/198', '']);
  });
});

it('goes on behind a bucket that it may not look into, and says so', async () => {
  const { handler, removed } = withRecords(['a/denied', 'b/gone'], 0);
  await overUpstream(handler, async (adapter) => {
    await failure(adapter.maintain({ now_ms: Date.now() }), 'access_denied');
    expect(removed).toMatchObject([expect.stringContaining('/uploads/b/')]);
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
