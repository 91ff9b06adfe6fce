/** Whatever object bytes go to an upstream or come from it count against its limit of bandwidth, and count once. */
import { describe, expect, it } from 'vitest';
import { bytesOf, readAll, streamOf } from '../conformance/support/bytes.js';
import type { Adapter } from '../contract/index.js';
import type { Bandwidth } from '../decorators/bandwidth.js';
import { openAdapter } from '../open.js';
import type { Provider } from './providers.js';
import { bodyOf, type Handler, overUpstream } from './testing/bad-upstream.js';

const SIZE = 300_000;
const CONTENT = bytesOf(1, SIZE);
const SMALL = bytesOf(2, 10_000);
const OBJECT = { bucket: 'bucket', key: 'key' };
const SMALL_OBJECT = { bucket: 'bucket', key: 'small' };
const UPLOAD = { bucket: 'bucket', key: 'target', upload_id: 'id', part_number: 1 };
const AS_IT_IS = { replace_attributes: false, replace_tags: false };

const COPIED = '<CopyObjectResult><ETag>"e"</ETag></CopyObjectResult>';

/** Two objects, and room for whatever is sent. */
const handler: Handler = async (request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://host');
  await bodyOf(request);
  if (pathname.startsWith('/backup-node-documents') && request.method === 'GET')
    return void response.writeHead(404).end('<Error><Code>NoSuchKey</Code></Error>');
  if (searchParams.has('versioning')) return void response.end('<VersioningConfiguration/>');
  if (request.method === 'GET' && searchParams.has('uploadId'))
    return void response.end('<ListPartsResult><IsTruncated>false</IsTruncated></ListPartsResult>');
  const copies = request.headers['x-amz-copy-source'] !== undefined;
  if (request.method === 'PUT')
    return void response.writeHead(200, { etag: '"e"' }).end(copies ? COPIED : undefined);
  const content = pathname.endsWith('small') ? SMALL : CONTENT;
  response.writeHead(200, { etag: '"e"', 'content-length': content.length });
  response.end(request.method === 'HEAD' ? undefined : content);
};

type Work = (adapter: Adapter) => Promise<unknown>;

const read = async (body: Promise<{ readonly body: Parameters<typeof readAll>[0] }>) =>
  readAll((await body).body);

const CASES: readonly (readonly [string, Provider, number, Work])[] = [
  [
    'a small put',
    'minio',
    SMALL.length,
    (a) => a.putObject({ ...OBJECT, body: SMALL, size_bytes: SMALL.length }),
  ],
  [
    'a small put of a stream',
    'minio',
    SMALL.length,
    (a) => a.putObject({ ...OBJECT, body: streamOf(SMALL, [999]), size_bytes: SMALL.length }),
  ],
  [
    'a large put',
    'minio',
    SIZE,
    (a) => a.putObject({ ...OBJECT, body: streamOf(CONTENT, [70_000]), size_bytes: SIZE }),
  ],
  [
    'a part',
    'minio',
    SIZE,
    (a) => a.uploadPart({ ...UPLOAD, body: streamOf(CONTENT, [70_000]), size_bytes: SIZE }),
  ],
  ['a small get', 'minio', SMALL.length, (a) => read(a.getObject(SMALL_OBJECT))],
  ['a large get', 'minio', SIZE, (a) => read(a.getObject(OBJECT))],
  ['a verification', 'minio', SIZE, (a) => a.verifyObject(OBJECT)],
  // The upstream does these by itself.
  ['a copy', 'minio', 0, (a) => a.copyObject({ ...UPLOAD, source: OBJECT, ...AS_IT_IS })],
  // Down and up again.
  [
    'a copy through the node',
    'minio',
    2 * SIZE,
    (a) => a.copyObject({ ...UPLOAD, source: OBJECT, ...AS_IT_IS, condition: { if_none_match: '*' } }),
  ],
  [
    'a part that is copied through the node',
    'garage',
    2 * SIZE,
    (a) => a.copyPart({ ...UPLOAD, source: OBJECT }),
  ],
];

describe('bytes that count against the bandwidth of an upstream', () => {
  it.each(CASES)('%s', async (_name, provider, bytes, work) => {
    let counted = 0;
    const bandwidth: Bandwidth = {
      chunk_bytes_max: Number.POSITIVE_INFINITY,
      flow: () => ({
        take(size_bytes) {
          counted += size_bytes;
          return undefined;
        },
      }),
    };
    await overUpstream(handler, async (_bare, options) => {
      const adapter = await openAdapter({ type: 's3', ...options, provider, decorators: { bandwidth } });
      await work(adapter);
      await adapter.close();
    });
    expect(counted).toBe(bytes);
  });
});
