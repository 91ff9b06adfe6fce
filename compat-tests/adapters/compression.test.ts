import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { completeUpload, createUpload } from '../crash/s3-calls.mjs';
import { createS3Client, elementsOf, type S3Client, textOf } from '../crash/s3-client.mjs';
import { bytes, MIB, md5 } from '../support/data.js';
import { describeUpstream } from '../support/describe-upstream.js';
import { startNode } from '../support/node.mjs';
import { temporaryFolder } from '../support/temp.mjs';
import { startMinioUpstream } from './entries.js';

const bucket = 'compressed';
const line = (index: number) => `${index} GET /photos/cat-${index % 97}.jpg 200 in ${index % 1_000} ms\n`;
const text = (lines: number) =>
  Buffer.from(Array.from({ length: lines }, (_, index) => line(index)).join(''));

describeUpstream('minio', startMinioUpstream, (upstream) => {
  const stops: (() => unknown)[] = [];
  let folder: string;
  /** The node, one that remembers nothing of what the first one wrote, and MinIO without either. */
  let ours: S3Client;
  let other: S3Client;
  let minio: S3Client;
  beforeAll(async () => {
    folder = await temporaryFolder('compat-compression');
    const { s3_url, access_key, secret_key } = upstream();
    const adapter = { type: 'minio', endpoint: s3_url, access_key, secret_key, compression: {} };
    const config = { adapters: { minio: adapter }, mounts: [{ buckets: '*', adapter: 'minio' }] };
    const client = async (name: string) => {
      const node = await startNode({ folder: join(folder, name), config, access_key, secret_key });
      const s3 = createS3Client(node);
      stops.push(s3.close, node.stop);
      return s3;
    };
    ours = await client('one');
    other = await client('other');
    minio = createS3Client(upstream());
    stops.push(minio.close);
    await ours.ask({ method: 'PUT', bucket });
  });
  afterAll(async () => {
    for (const stop of stops.reverse()) await stop();
    await rm(folder, { recursive: true, force: true });
  });

  const get = (s3: S3Client, key: string, headers = {}) => s3.ask({ method: 'GET', bucket, key, headers });

  test('MinIO holds a gzip file of fewer bytes, which anyone can read', async () => {
    const content = text(60_000);
    const put = await ours.ask({ method: 'PUT', bucket, key: 'access.log', body: content });
    expect(put.headers.etag).toBe(`"${md5(content)}"`);
    const stored = (await get(minio, 'access.log')).body;
    expect(stored.length).toBeLessThan(content.length / 3);
    expect(gunzipSync(stored).equals(content)).toBe(true);
    for (const node of [ours, other]) {
      const { body, headers } = await get(node, 'access.log');
      expect(body.equals(content)).toBe(true);
      expect(headers.etag).toBe(`"${md5(content)}"`);
      const range = await get(node, 'access.log', { range: 'bytes=1048570-1048580' });
      expect(range.body.equals(content.subarray(1_048_570, 1_048_581))).toBe(true);
    }
  });

  test('so it is with an upload in parts', async () => {
    const parts = [text(150_000), bytes(5 * MIB), text(100)];
    const upload = await uploadParts(parts);
    const content = Buffer.concat(parts);
    const stored = (await get(minio, upload.key)).body;
    expect(stored.length).toBeLessThan(content.length);
    expect(gunzipSync(stored).equals(content)).toBe(true);
    const { body, headers } = await get(other, upload.key);
    expect(body.equals(content)).toBe(true);
    expect(headers.etag).toMatch(/-3"$/);
    const second = await other.ask({ method: 'GET', bucket, key: upload.key, query: { partNumber: '2' } });
    expect(md5(second.body)).toBe(md5(bytes(5 * MIB)));
  });

  async function uploadParts(parts: readonly Buffer[]) {
    const upload = await createUpload(ours, bucket, 'in parts');
    const etags = new Map<number, string>();
    for (const [index, body] of parts.entries()) {
      const query = { partNumber: String(index + 1), uploadId: upload.upload_id };
      const { headers } = await ours.ask({ method: 'PUT', bucket, key: upload.key, query, body });
      etags.set(index + 1, headers.etag ?? '');
    }
    await completeUpload(ours, upload, etags);
    return upload;
  }

  test('what is compressed already, or was there before, is as MinIO has it', async () => {
    const content = text(5_000);
    const type = { 'content-type': 'image/png' };
    await ours.ask({ method: 'PUT', bucket, key: 'picture', body: content, headers: type });
    await minio.ask({ method: 'PUT', bucket, key: 'before', body: content });
    for (const [reader, key] of [
      [minio, 'picture'],
      [other, 'before'],
    ] as const) {
      expect((await get(reader, key)).body.equals(content)).toBe(true);
    }
    const condition = { 'if-none-match': `"${md5(content)}"` };
    expect((await other.send({ method: 'GET', bucket, key: 'before', headers: condition })).status).toBe(304);
  });

  test('a node that knows nothing lists sizes and ETags of plaintexts', async () => {
    for (const key of ['x-log', 'x-small']) {
      await ours.ask({ method: 'PUT', bucket, key, body: key === 'x-log' ? text(9_000) : 'small' });
    }
    const { body } = await other.ask({ method: 'GET', bucket, query: { 'list-type': '2', prefix: 'x-' } });
    const rows = elementsOf(body.toString(), 'Contents').map((row) => [
      textOf(row, 'Size'),
      textOf(row, 'ETag'),
    ]);
    const expected = [text(9_000), Buffer.from('small')].map((plain) => [
      String(plain.length),
      `"${md5(plain)}"`,
    ]);
    expect(rows).toEqual(expected);
  });
});
