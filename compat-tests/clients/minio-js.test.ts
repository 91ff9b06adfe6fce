import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import * as Minio from 'minio';
import { beforeAll, expect, test } from 'vitest';
import { describeClient } from '../support/client.js';
import { bytes, MIB, md5, ODD_KEYS, sha256 } from '../support/data.js';

describeClient('minio (JavaScript)', { tools: [], mounts: ['local', 'minio'] }, (client) => {
  const BUCKET = 'minio-js-bucket';
  let minio: Minio.Client;

  const get = async (key: string, options?: { versionId?: string }) =>
    buffer(await minio.getObject(BUCKET, key, options));
  const list = async (prefix: string, recursive: boolean): Promise<Minio.BucketItem[]> =>
    minio.listObjectsV2(BUCKET, prefix, recursive).toArray();

  beforeAll(async () => {
    const { s3_url, access_key, secret_key } = client.server;
    const { hostname, port } = new URL(s3_url);
    minio = new Minio.Client({
      endPoint: hostname,
      port: Number(port),
      useSSL: false,
      accessKey: access_key,
      secretKey: secret_key,
      partSize: 5 * MIB,
    });
    await minio.makeBucket(BUCKET);
  });

  test('buckets', async () => {
    expect(await minio.bucketExists(BUCKET)).toBe(true);
    expect(await minio.bucketExists('no-such-bucket')).toBe(false);
    expect((await minio.listBuckets()).map((bucket) => bucket.name)).toContain(BUCKET);
  });

  test('putObject of a buffer, a string and a stream without length', async () => {
    await minio.putObject(BUCKET, 'text', 'some text');
    expect((await get('text')).toString()).toBe('some text');
    const data = bytes(200_000, 1);
    const sent = await minio.putObject(BUCKET, 'buffer', data, data.length, { 'X-Amz-Meta-Colour': 'blue' });
    expect(sent.etag).toBe(md5(data));
    expect((await get('buffer')).equals(data)).toBe(true);
    const large = bytes(12 * MIB + 3, 2);
    const chunks = function* () {
      for (let at = 0; at < large.length; at += 100_000) yield large.subarray(at, at + 100_000);
    };
    await minio.putObject(BUCKET, 'stream', Readable.from(chunks()));
    expect(sha256(await get('stream'))).toBe(sha256(large));
  });

  test('fPutObject and fGetObject, in parts', async () => {
    const data = bytes(16 * MIB + 1, 3);
    await writeFile(join(client.folder, 'file'), data);
    await minio.fPutObject(BUCKET, 'file', join(client.folder, 'file'), { 'Content-Type': 'text/x-own' });
    await minio.fGetObject(BUCKET, 'file', join(client.folder, 'back'));
    expect(sha256(await readFile(join(client.folder, 'back')))).toBe(sha256(data));
    expect((await minio.statObject(BUCKET, 'file')).metaData['content-type']).toBe('text/x-own');
  });

  test('statObject', async () => {
    await minio.putObject(BUCKET, 'stat', bytes(77), 77, { 'X-Amz-Meta-A': 'b' });
    const stat = await minio.statObject(BUCKET, 'stat');
    expect(stat).toMatchObject({ size: 77, etag: md5(bytes(77)), metaData: { a: 'b' } });
    expect(Math.abs(Date.now() - stat.lastModified.getTime())).toBeLessThan(60_000);
    await expect(minio.statObject(BUCKET, 'not there')).rejects.toMatchObject({ code: 'NotFound' });
  });

  test('getPartialObject', async () => {
    const data = bytes(9_000, 4);
    await minio.putObject(BUCKET, 'partial', data);
    expect(
      (await buffer(await minio.getPartialObject(BUCKET, 'partial', 100, 50))).equals(
        data.subarray(100, 150),
      ),
    ).toBe(true);
  });

  test('listObjects, flat and deep, in all three ways', async () => {
    for (const key of ['t/1', 't/2', 't/sub/3', 't/sub/4']) await minio.putObject(BUCKET, key, 'x');
    expect((await list('t/', false)).map((item) => item.name ?? item.prefix)).toEqual(
      ['t/sub/', 't/1', 't/2'].sort((a, b) => (a.endsWith('/') ? 1 : b.endsWith('/') ? -1 : 0)),
    );
    expect((await list('t/', true)).map((item) => item.name)).toEqual(['t/1', 't/2', 't/sub/3', 't/sub/4']);
    const first: Minio.BucketItem[] = await minio.listObjects(BUCKET, 't/', true).toArray();
    expect(first.map((item) => item.name)).toEqual(['t/1', 't/2', 't/sub/3', 't/sub/4']);
  });

  test('presigned links for reading, writing and heading', async () => {
    const data = bytes(4_000, 5);
    const put = await minio.presignedPutObject(BUCKET, 'pre ü+', 600);
    expect((await fetch(put, { method: 'PUT', body: new Uint8Array(data) })).status).toBe(200);
    const get_url = await minio.presignedGetObject(BUCKET, 'pre ü+', 600, {
      'response-content-type': 'text/own',
    });
    const answer = await fetch(get_url);
    expect(answer.headers.get('content-type')).toBe('text/own');
    expect(Buffer.from(await answer.arrayBuffer()).equals(data)).toBe(true);
    const head = await minio.presignedUrl('HEAD', BUCKET, 'pre ü+', 600);
    expect((await fetch(head, { method: 'HEAD' })).headers.get('content-length')).toBe('4000');
  });

  test('copyObject with conditions', async () => {
    await minio.putObject(BUCKET, 'source', bytes(600, 6));
    await minio.copyObject(BUCKET, 'copy', `/${BUCKET}/source`);
    expect((await get('copy')).equals(bytes(600, 6))).toBe(true);
    const conditions = new Minio.CopyConditions();
    conditions.setMatchETagExcept(md5(bytes(600, 6)));
    await expect(minio.copyObject(BUCKET, 'copy', `/${BUCKET}/source`, conditions)).rejects.toMatchObject({
      code: 'PreconditionFailed',
    });
  });

  test('composeObject joins objects on the server', async () => {
    const parts = [bytes(5 * MIB, 7), bytes(5 * MIB, 8), bytes(123, 9)];
    for (const [index, part] of parts.entries()) await minio.putObject(BUCKET, `piece${index}`, part);
    const sources = parts.map(
      (_, index) => new Minio.CopySourceOptions({ Bucket: BUCKET, Object: `piece${index}` }),
    );
    await minio.composeObject(
      new Minio.CopyDestinationOptions({ Bucket: BUCKET, Object: 'composed' }),
      sources,
    );
    expect(sha256(await get('composed'))).toBe(sha256(Buffer.concat(parts)));
  });

  test('tags', async () => {
    await minio.putObject(BUCKET, 'tagged', 'x');
    await minio.setObjectTagging(BUCKET, 'tagged', { a: '1', b: 'zwei' });
    const tags = await minio.getObjectTagging(BUCKET, 'tagged', { versionId: '' });
    expect(JSON.stringify(tags)).toContain('zwei');
    await minio.removeObjectTagging(BUCKET, 'tagged', { versionId: '' });
    expect(await minio.getObjectTagging(BUCKET, 'tagged', { versionId: '' })).toEqual([]);
  });

  test('versions', async () => {
    await minio.makeBucket('minio-js-versions');
    await minio.setBucketVersioning('minio-js-versions', { Status: 'Enabled' });
    expect(await minio.getBucketVersioning('minio-js-versions')).toMatchObject({ Status: 'Enabled' });
    const first = await minio.putObject('minio-js-versions', 'v', 'one');
    await minio.putObject('minio-js-versions', 'v', 'two');
    const old = await minio.getObject('minio-js-versions', 'v', { versionId: first.versionId ?? '' });
    expect((await buffer(old)).toString()).toBe('one');
  });

  test('unfinished uploads are found and removed', async () => {
    await minio.initiateNewMultipartUpload(BUCKET, 'unfinished', {});
    const found = await minio.listIncompleteUploads(BUCKET, 'unfinished', true).toArray();
    expect(found.map((upload: { key: string }) => upload.key)).toEqual(['unfinished']);
    await minio.removeIncompleteUpload(BUCKET, 'unfinished');
    expect(await minio.listIncompleteUploads(BUCKET, 'unfinished', true).toArray()).toEqual([]);
  });

  client.eachKey(ODD_KEYS, async (key) => {
    await minio.putObject(BUCKET, `odd/${key}`, bytes(40, key.length));
    expect((await get(`odd/${key}`)).equals(bytes(40, key.length))).toBe(true);
    expect((await list(`odd/${key}`, true)).map((item) => item.name)).toContain(`odd/${key}`);
  });

  test('removeObject, removeObjects, removeBucket', async () => {
    await minio.removeObject(BUCKET, 'text');
    await minio.removeObject(BUCKET, 'never there');
    await expect(minio.removeBucket(BUCKET)).rejects.toMatchObject({ code: 'BucketNotEmpty' });
    await minio.removeObjects(
      BUCKET,
      (await list('', true)).map((item) => item.name ?? ''),
    );
    expect(await list('', true)).toEqual([]);
    await minio.removeBucket(BUCKET);
  });
});
