import { Agent } from 'node:http';
import { Readable } from 'node:stream';
import {
  type _Object,
  ChecksumAlgorithm,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListPartsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
  S3ServiceException,
  UploadPartCommand,
  UploadPartCopyCommand,
  waitUntilBucketExists,
  waitUntilObjectExists,
  waitUntilObjectNotExists,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DOMAIN, describeClient } from '../support/client.js';
import { bytes, MIB, md5, ODD_KEYS, sha256 } from '../support/data.js';
import { MOUNT_NAMES } from '../support/mounts.mjs';

describeClient('@aws-sdk/client-s3', { tools: [], mounts: MOUNT_NAMES }, (client) => {
  const Bucket = 'sdk-bucket';
  let s3: S3Client;

  const connect = (options: ConstructorParameters<typeof S3Client>[0] = {}) => {
    const { s3_url, access_key, secret_key } = client.server;
    return new S3Client({
      endpoint: s3_url,
      region: 'us-east-1',
      forcePathStyle: true,
      maxAttempts: 1,
      credentials: { accessKeyId: access_key, secretAccessKey: secret_key },
      ...options,
    });
  };
  const put = (Key: string, Body: Buffer | Readable, extra: Partial<PutObjectCommand['input']> = {}) =>
    s3.send(new PutObjectCommand({ Bucket, Key, Body, ...extra }));
  const get = async (Key: string, extra: Partial<GetObjectCommand['input']> = {}) => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key, ...extra }));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  };
  const refusal = async (sent: Promise<unknown>) => {
    const error = await sent.then(
      () => null,
      (cause: unknown) => cause,
    );
    if (!(error instanceof S3ServiceException)) throw new Error(`not refused by the service: ${error}`);
    return {
      name: error.name,
      status: error.$metadata.httpStatusCode,
      request_id: error.$metadata.requestId,
    };
  };

  beforeAll(async () => {
    s3 = connect();
    await s3.send(new CreateBucketCommand({ Bucket }));
    await waitUntilBucketExists({ client: s3, maxWaitTime: 5, minDelay: 1, maxDelay: 1 }, { Bucket });
  });
  afterAll(() => s3.destroy());

  test('put and get, with the checksum of the SDK checked on both ways', async () => {
    for (const size_bytes of [0, 1, 4_096, 1_000_000]) {
      const data = bytes(size_bytes, size_bytes + 1);
      const answer = await put(`o${size_bytes}`, data, {
        Metadata: { who: 'me' },
        ContentType: 'text/x-test',
      });
      expect(answer.ETag).toBe(`"${md5(data)}"`);
      expect(answer.ChecksumCRC32).toBeTruthy();
      expect((await get(`o${size_bytes}`)).equals(data)).toBe(true);
      const head = await s3.send(
        new HeadObjectCommand({ Bucket, Key: `o${size_bytes}`, ChecksumMode: 'ENABLED' }),
      );
      expect(head).toMatchObject({
        ContentType: 'text/x-test',
        Metadata: { who: 'me' },
        ContentLength: size_bytes,
      });
      expect(head.ChecksumCRC32).toBe(answer.ChecksumCRC32);
    }
  });

  test('a stream of known length goes up in signed or trailed chunks', async () => {
    const data = bytes(3 * MIB + 3, 2);
    const chunks = Array.from({ length: 50 }, (_, index) =>
      data.subarray(index * 70_000, (index + 1) * 70_000),
    );
    await put('stream', Readable.from(chunks), { ContentLength: data.length });
    expect((await get('stream')).equals(data)).toBe(true);
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'stream' }));
    expect(head.ContentEncoding ?? '').not.toContain('aws-chunked');
  });

  for (const algorithm of Object.values(ChecksumAlgorithm)) {
    if (!/^(CRC|SHA(1|256)$)/.test(algorithm)) continue;
    test(`checksum ${algorithm}`, async () => {
      const data = bytes(100_000, 3);
      await put(`sum-${algorithm}`, data, { ChecksumAlgorithm: algorithm });
      const answer = await s3.send(
        new GetObjectCommand({ Bucket, Key: `sum-${algorithm}`, ChecksumMode: 'ENABLED' }),
      );
      expect(answer).toHaveProperty(`Checksum${algorithm}`);
      // Reading to the end makes the SDK verify.
      expect(Buffer.from((await answer.Body?.transformToByteArray()) ?? []).equals(data)).toBe(true);
    });
  }

  test('a wrong checksum stores nothing', async () => {
    const sent = put('wrong', bytes(10), { ChecksumSHA256: Buffer.alloc(32).toString('base64') });
    expect((await refusal(sent)).status).toBe(400);
    expect((await refusal(s3.send(new HeadObjectCommand({ Bucket, Key: 'wrong' })))).status).toBe(404);
  });

  client.needing('conditional_put')('conditional writes have one winner', async () => {
    const writers = Array.from({ length: 10 }, (_, seed) =>
      put('one', bytes(100, seed), { IfNoneMatch: '*' }),
    );
    const outcomes = await Promise.allSettled(writers);
    const winners = outcomes.flatMap((outcome, seed) => (outcome.status === 'fulfilled' ? [seed] : []));
    expect(winners).toHaveLength(1);
    expect((await get('one')).equals(bytes(100, winners[0]))).toBe(true);
    expect((await refusal(put('one', bytes(1), { IfMatch: '"no"' }))).name).toBe('PreconditionFailed');
    await put('one', bytes(7), { IfMatch: `"${md5(bytes(100, winners[0]))}"` });
    expect((await get('one')).equals(bytes(7))).toBe(true);
  });

  test('multipart with parts out of order, one sent twice, one copied', async () => {
    const [first, second, third] = [bytes(5 * MIB, 1), bytes(5 * MIB, 2), bytes(99, 3)];
    await put('whole', bytes(6 * MIB, 2));
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'mp' }));
    const part = (PartNumber: number, Body: Buffer) =>
      s3.send(new UploadPartCommand({ Bucket, Key: 'mp', UploadId, PartNumber, Body }));
    const sent_third = await part(3, third);
    await part(1, second);
    const sent_first = await part(1, first);
    const copied = await s3.send(
      new UploadPartCopyCommand({
        Bucket,
        Key: 'mp',
        UploadId,
        PartNumber: 2,
        CopySource: `${Bucket}/whole`,
        CopySourceRange: `bytes=0-${5 * MIB - 1}`,
      }),
    );
    const listed = await s3.send(new ListPartsCommand({ Bucket, Key: 'mp', UploadId, MaxParts: 2 }));
    expect(listed.Parts?.map((entry) => entry.PartNumber)).toEqual([1, 2]);
    expect(listed.IsTruncated).toBe(true);
    const Parts = [sent_first.ETag, copied.CopyPartResult?.ETag, sent_third.ETag].map((ETag, index) => ({
      ETag,
      PartNumber: index + 1,
    }));
    const complete = () =>
      s3.send(
        new CompleteMultipartUploadCommand({ Bucket, Key: 'mp', UploadId, MultipartUpload: { Parts } }),
      );
    const done = await complete();
    expect(done.ETag).toMatch(/-3"$/);
    expect(sha256(await get('mp'))).toBe(sha256(Buffer.concat([first, second, third])));
    expect((await get('mp', { PartNumber: 3 })).equals(third)).toBe(true);
  });

  test('odd keys', async () => {
    const keys = client.storable(ODD_KEYS);
    for (const [index, Key] of keys.entries()) await put(`odd/${Key}`, bytes(50, index + 1));
    const found: string[] = [];
    for await (const page of paginateListObjectsV2({ client: s3, pageSize: 4 }, { Bucket, Prefix: 'odd/' }))
      found.push(...(page.Contents ?? []).map((entry: _Object) => entry.Key ?? ''));
    const bytewise = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
    expect(found).toEqual(keys.map((key) => `odd/${key}`).sort(bytewise));
    for (const [index, Key] of keys.entries())
      expect((await get(`odd/${Key}`)).equals(bytes(50, index + 1))).toBe(true);
    const CopySource = encodeURIComponent(`${Bucket}/odd/plus+sign`);
    await s3.send(new CopyObjectCommand({ Bucket, Key: 'odd/copied', CopySource }));
    expect((await get('odd/copied')).equals(await get('odd/plus+sign'))).toBe(true);
    const Objects = found.map((Key) => ({ Key }));
    const deleted = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    expect(deleted.Deleted).toHaveLength(keys.length);
    expect(deleted.Errors ?? []).toEqual([]);
  });

  test('ranges, conditional reads, overrides', async () => {
    const data = bytes(10_000, 5);
    await put('r', data);
    expect((await get('r', { Range: 'bytes=5-14' })).equals(data.subarray(5, 15))).toBe(true);
    expect((await refusal(get('r', { Range: 'bytes=10000-' }))).name).toBe('InvalidRange');
    const unchanged = s3.send(new GetObjectCommand({ Bucket, Key: 'r', IfNoneMatch: `"${md5(data)}"` }));
    expect((await refusal(unchanged)).status).toBe(304);
    const answer = await s3.send(new GetObjectCommand({ Bucket, Key: 'r', ResponseContentType: 'text/own' }));
    expect(answer.ContentType).toBe('text/own');
    await answer.Body?.transformToByteArray();
  });

  client.needing('tagging')('tags', async () => {
    await put('tagged', bytes(10), { Tagging: 'a=b&c=d%20e' });
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'tagged' }));
    expect(head.TagCount).toBe(2);
    const tags = await s3.send(new GetObjectTaggingCommand({ Bucket, Key: 'tagged' }));
    expect(tags.TagSet).toEqual([
      { Key: 'a', Value: 'b' },
      { Key: 'c', Value: 'd e' },
    ]);
  });

  test('waiters see an object come and go', async () => {
    const waiting = waitUntilObjectExists(
      { client: s3, maxWaitTime: 20, minDelay: 1, maxDelay: 1 },
      { Bucket, Key: 'late' },
    );
    await put('late', bytes(1));
    expect((await waiting).state).toBe('SUCCESS');
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'late' }));
    expect(
      (
        await waitUntilObjectNotExists(
          { client: s3, maxWaitTime: 5, minDelay: 1, maxDelay: 1 },
          { Bucket, Key: 'late' },
        )
      ).state,
    ).toBe('SUCCESS');
  });

  client.needing('versioning')('versions', async () => {
    const versioned = 'sdk-versions';
    await s3.send(new CreateBucketCommand({ Bucket: versioned }));
    const VersioningConfiguration = { Status: 'Enabled' } as const;
    await s3.send(new PutBucketVersioningCommand({ Bucket: versioned, VersioningConfiguration }));
    const ids: (string | undefined)[] = [];
    for (const seed of [1, 2]) {
      const sent = await s3.send(
        new PutObjectCommand({ Bucket: versioned, Key: 'v', Body: bytes(20, seed) }),
      );
      ids.push(sent.VersionId);
    }
    expect((await get('v', { Bucket: versioned, VersionId: ids[0] })).equals(bytes(20, 1))).toBe(true);
    const marker = await s3.send(new DeleteObjectCommand({ Bucket: versioned, Key: 'v' }));
    expect(marker.DeleteMarker).toBe(true);
    expect((await refusal(get('v', { Bucket: versioned }))).name).toBe('NoSuchKey');
  });

  test('errors carry the code, the status and a request id', async () => {
    expect(await refusal(get('nothing'))).toMatchObject({
      name: 'NoSuchKey',
      status: 404,
      request_id: expect.any(String),
    });
    expect(await refusal(s3.send(new HeadBucketCommand({ Bucket: 'not-there-at-all' })))).toMatchObject({
      status: 404,
    });
    const stranger = connect({ credentials: { accessKeyId: 'AKNOBODY', secretAccessKey: 'x' } });
    expect((await refusal(stranger.send(new ListBucketsCommand({})))).name).toBe('InvalidAccessKeyId');
    stranger.destroy();
  });

  describe('virtual-host addressing', () => {
    test('the bucket is in the host name', async () => {
      const { port } = new URL(client.server.s3_url);
      const resolve: NonNullable<ConstructorParameters<typeof Agent>[0]>['lookup'] = (
        _host,
        options,
        found,
      ) => (options.all ? found(null, [{ address: '127.0.0.1', family: 4 }]) : found(null, '127.0.0.1', 4));
      const httpAgent = new Agent({ lookup: resolve });
      const virtual = connect({
        endpoint: `http://${DOMAIN}:${port}`,
        forcePathStyle: false,
        requestHandler: { httpAgent },
      });
      await virtual.send(new PutObjectCommand({ Bucket, Key: 'v h/ü+', Body: bytes(500, 6) }));
      const { Body } = await virtual.send(new GetObjectCommand({ Bucket, Key: 'v h/ü+' }));
      expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(bytes(500, 6))).toBe(true);
      virtual.destroy();
      httpAgent.destroy();
    });
  });
});
