import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { bytesOf, streamOf, utf8 } from '../conformance/support/bytes.js';
import { fullObjectChecksum } from '../conformance/support/digests.js';
import { failure } from '../conformance/support/expect.js';
import type { Adapter, ObjectChecksum, PutObjectInput } from '../contract/index.js';
import { keptChecksum, withChecksum } from './kept-checksum.js';
import { bodyOf, type Handler, overUpstream } from './testing/bad-upstream.js';

const CONTENT = bytesOf(1, 300_000);
const OBJECT = { bucket: 'bucket', key: 'key' };
const CRC = await fullObjectChecksum('CRC32', CONTENT);
const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');

/** Whose body came whole. */
interface Request {
  readonly method: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** A server that stores the one object, knows of no checksum, and has one part for each upload. */
function plainServer(requests: Request[]): Handler {
  let stored: { body: Buffer; headers: Record<string, string> } = { body: Buffer.alloc(0), headers: {} };
  return async (request, response) => {
    const { method = '', url = '', headers } = request;
    const body = await bodyOf(request).catch(() => null);
    if (body === null) return;
    requests.push({ method, headers });
    const answer = (text: string): void => {
      response.writeHead(200, { etag: `"${md5(body)}"` }).end(text);
    };
    if (url.includes('documents'))
      return void response.writeHead(method === 'PUT' ? 200 : 404, { etag: '"e"' }).end();
    if (url.includes('uploads=')) {
      return answer('<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>');
    }
    if (method === 'GET' && url.includes('uploadId')) {
      const part = `<Part><PartNumber>1</PartNumber><ETag>"${md5(CONTENT)}"</ETag><Size>${CONTENT.length}</Size></Part>`;
      return answer(`<ListPartsResult>${part}</ListPartsResult>`);
    }
    if (method === 'POST') {
      return answer('<CompleteMultipartUploadResult><ETag>"e-1"</ETag></CompleteMultipartUploadResult>');
    }
    if (method === 'PUT' && !url.includes('uploadId')) {
      const meta = Object.entries(headers).filter(([name]) => name.startsWith('x-amz-meta-'));
      stored = { body, headers: Object.fromEntries(meta.map(([name, value]) => [name, String(value)])) };
    }
    if (method === 'PUT') return answer('');
    response.writeHead(200, {
      etag: `"${md5(stored.body)}"`,
      'content-length': stored.body.length,
      ...stored.headers,
    });
    response.end(method === 'HEAD' ? undefined : stored.body);
  };
}

const overPlain = (work: (adapter: Adapter, requests: Request[]) => Promise<void>) => {
  const requests: Request[] = [];
  return overUpstream(plainServer(requests), (adapter) => work(adapter, requests), { provider: 'generic' });
};

const put = (adapter: Adapter, value: () => string | undefined, more: Partial<PutObjectInput> = {}) =>
  adapter.putObject({
    ...OBJECT,
    body: streamOf(CONTENT, [70_001]),
    size_bytes: CONTENT.length,
    expect: { checksum: { algorithm: 'CRC32', value } },
    ...more,
  });

const shown = async (adapter: Adapter): Promise<ObjectChecksum | null> =>
  (await adapter.headObject(OBJECT)).info.checksum;

describe('over an upstream without checksums', () => {
  it('a value that is known before the body is kept, and none is asked of the upstream', () =>
    overPlain(async (adapter, requests) => {
      expect((await put(adapter, () => CRC.value)).checksum).toEqual(CRC);
      expect(await shown(adapter)).toEqual(CRC);
      const { info } = await adapter.getObject(OBJECT);
      expect(info.metadata).toEqual({});
      const names = requests.flatMap(({ method, headers }) => (method === 'PUT' ? Object.keys(headers) : []));
      expect(names.filter((name) => name.startsWith('x-amz-checksum') || name === 'x-amz-trailer')).toEqual(
        [],
      );
    }));

  it('so is that of a small body, wherever its value came', () =>
    overPlain(async (adapter) => {
      const content = utf8('small');
      const right = await fullObjectChecksum('CRC32', content);
      let trailer: string | undefined;
      async function* body() {
        yield content;
        trailer = right.value;
      }
      const info = await put(adapter, () => trailer, { body: body(), size_bytes: content.length });
      expect(info.checksum).toEqual(right);
      expect(await shown(adapter)).toEqual(right);
    }));

  it('one that comes behind a stream is verified, and not claimed', () =>
    overPlain(async (adapter, requests) => {
      let trailer: string | undefined;
      async function* body(value: string) {
        yield* streamOf(CONTENT, [70_001]);
        trailer = value;
      }
      expect((await put(adapter, () => trailer, { body: body(CRC.value) })).checksum).toBeNull();
      expect(await shown(adapter)).toBeNull();
      trailer = undefined;
      const before = requests.length;
      const error = await failure(
        put(adapter, () => trailer, { body: body('AAAAAA==') }),
        'digest_mismatch',
        'body',
      );
      expect(error.detail.algorithm).toBe('CRC32');
      expect(requests.slice(before)).toEqual([]);
    }));

  it('where clients need the room for metadata, none is kept', () =>
    overPlain(async (adapter) => {
      const metadata = { long: 'x'.repeat(2_040) };
      expect((await put(adapter, () => CRC.value, { attributes: { metadata } })).checksum).toBeNull();
      expect(await shown(adapter)).toBeNull();
    }));

  it('what parts were verified by is compared again while it is known; after a restart a whole is not promised', async () => {
    const upload = { ...OBJECT, upload_id: 'id' };
    const named = { part_number: 1, etag: md5(CONTENT) };
    const wrong = { ...CRC, value: 'AAAAAA==' };
    await overPlain(async (adapter) => {
      await adapter.createUpload({ ...OBJECT, checksum: { algorithm: 'CRC32', type: 'FULL_OBJECT' } });
      const checksum = { algorithm: 'CRC32', value: () => CRC.value } as const;
      const sent = { body: streamOf(CONTENT, [9_999]), size_bytes: CONTENT.length, expect: { checksum } };
      const part = await adapter.uploadPart({ ...upload, part_number: 1, ...sent });
      expect(part.checksum).toBeNull();
      await failure(
        adapter.completeUpload({ ...upload, parts: [{ ...named, checksum: wrong }] }),
        'invalid_part',
      );
      await failure(
        adapter.completeUpload({ ...upload, parts: [named], checksum: wrong }),
        'digest_mismatch',
      );
      const { checksum: kept } = await adapter.completeUpload({ ...upload, parts: [named], checksum: CRC });
      expect(kept).toBeNull();
    });
    await overPlain(async (adapter, requests) => {
      const promised = adapter.completeUpload({ ...upload, parts: [named], checksum: CRC });
      expect((await failure(promised, 'unsupported', 'adapter')).detail.capability).toBe('checksums.CRC32');
      expect(requests.filter(({ method }) => method === 'POST')).toEqual([]);
      await adapter.completeUpload({ ...upload, parts: [{ ...named, checksum: CRC }] });
    });
  });
});

it.each([
  ['of bytes that have changed since', `CRC32 ${CRC.value} 299999`],
  ['of an unknown algorithm', `MD6 ${CRC.value} 300000`],
  ['of another length', 'SHA256 AAAA 300000'],
  ['without a size', `CRC32 ${CRC.value}`],
])('a kept checksum %s is none', (_of, value) => {
  expect(keptChecksum({ 'x-amz-meta-backup-node-checksum': value }, 300_000)).toBeNull();
});

it('one of parts has no place with an object of one piece', () => {
  const { headers, kept } = withChecksum(
    {},
    { algorithm: 'CRC32', type: 'COMPOSITE', value: `${CRC.value}-2` },
    9,
  );
  expect([headers, kept]).toEqual([{}, null]);
});
