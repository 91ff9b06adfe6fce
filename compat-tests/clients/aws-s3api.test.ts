import { beforeAll, expect, test } from 'vitest';
import { describeClient } from '../support/client.js';
import { bytes, MIB, md5, sha256 } from '../support/data.js';
import { awsCli } from './aws-cli.js';

describeClient('aws-cli s3api', { tools: ['aws'] }, (client) => {
  const BUCKET = 'cli-api-bucket';
  const { s3, api, fails, file, download } = awsCli(client);

  beforeAll(async () => {
    await s3('mb', `s3://${BUCKET}`);
  });

  test.each(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'])('checksum %s', async (algorithm) => {
    const path = await file('summed', bytes(70_000, 6));
    const key = `summed-${algorithm}`;
    const field = `Checksum${algorithm}`;
    const put = await api(
      'put-object',
      '--bucket',
      BUCKET,
      '--key',
      key,
      '--body',
      path,
      '--checksum-algorithm',
      algorithm,
    );
    expect(put[field]).toBeTruthy();
    const get = await api(
      'get-object',
      '--bucket',
      BUCKET,
      '--key',
      key,
      '--checksum-mode',
      'ENABLED',
      `${path}.back`,
    );
    expect(get).toMatchObject({ [field]: put[field], ChecksumType: 'FULL_OBJECT' });
    const attributes = ['--object-attributes', 'Checksum', 'ObjectSize', 'ETag'];
    const object = await api('get-object-attributes', '--bucket', BUCKET, '--key', key, ...attributes);
    expect(object).toMatchObject({ ObjectSize: 70_000, Checksum: { [field]: put[field] } });
    const wrong = put[field].startsWith('A') ? `B${put[field].slice(1)}` : `A${put[field].slice(1)}`;
    // The tool splits the names its own way: --checksum-crc32-c.
    const flag = `--checksum-${algorithm.toLowerCase().replace('crc32c', 'crc32-c').replace('64nvme', '64-nvme')}`;
    const error = await fails(
      's3api',
      'put-object',
      '--bucket',
      BUCKET,
      '--key',
      `${key}-bad`,
      '--body',
      path,
      flag,
      wrong,
    );
    expect(error).toMatch(/BadDigest|InvalidRequest|XAmzContentChecksumMismatch/);
    expect(await fails('s3api', 'head-object', '--bucket', BUCKET, '--key', `${key}-bad`)).toContain('404');
  });

  test('a conditional put creates once', async () => {
    const path = await file('once', bytes(10));
    await api('put-object', '--bucket', BUCKET, '--key', 'once', '--body', path, '--if-none-match', '*');
    const again = await fails(
      's3api',
      'put-object',
      '--bucket',
      BUCKET,
      '--key',
      'once',
      '--body',
      path,
      '--if-none-match',
      '*',
    );
    expect(again).toContain('PreconditionFailed');
    const { ETag } = await api('head-object', '--bucket', BUCKET, '--key', 'once');
    await api('put-object', '--bucket', BUCKET, '--key', 'once', '--body', path, '--if-match', ETag);
    const stale = ['--if-match', '"00000000000000000000000000000000"'];
    expect(
      await fails('s3api', 'put-object', '--bucket', BUCKET, '--key', 'once', '--body', path, ...stale),
    ).toContain('PreconditionFailed');
  });

  test('tagging', async () => {
    const path = await file('tagged', bytes(10));
    await api(
      'put-object',
      '--bucket',
      BUCKET,
      '--key',
      'tagged',
      '--body',
      path,
      '--tagging',
      'a=1&b%20c=2%2B',
    );
    const { TagSet } = await api('get-object-tagging', '--bucket', BUCKET, '--key', 'tagged');
    expect(TagSet).toEqual([
      { Key: 'a', Value: '1' },
      { Key: 'b c', Value: '2+' },
    ]);
    const next = 'TagSet=[{Key=k,Value=v}]';
    await api('put-object-tagging', '--bucket', BUCKET, '--key', 'tagged', '--tagging', next);
    expect((await api('get-object-tagging', '--bucket', BUCKET, '--key', 'tagged')).TagSet).toEqual([
      { Key: 'k', Value: 'v' },
    ]);
    await api('delete-object-tagging', '--bucket', BUCKET, '--key', 'tagged');
    expect((await api('get-object-tagging', '--bucket', BUCKET, '--key', 'tagged')).TagSet).toEqual([]);
  });

  test('versioning: old versions stay readable, a delete is a marker, and undone by removing it', async () => {
    const bucket = 'cli-versions';
    await s3('mb', `s3://${bucket}`);
    await api('put-bucket-versioning', '--bucket', bucket, '--versioning-configuration', 'Status=Enabled');
    expect(await api('get-bucket-versioning', '--bucket', bucket)).toMatchObject({ Status: 'Enabled' });
    const ids: string[] = [];
    for (const seed of [1, 2, 3]) {
      const put = await api(
        'put-object',
        '--bucket',
        bucket,
        '--key',
        'v',
        '--body',
        await file('v', bytes(500, seed)),
      );
      ids.push(put.VersionId);
    }
    expect(new Set(ids).size).toBe(3);
    expect(await download(bucket, 'v', '--version-id', ids[0] ?? '')).toEqual(bytes(500, 1));
    const marker = await api('delete-object', '--bucket', bucket, '--key', 'v');
    expect(marker.DeleteMarker).toBe(true);
    expect(await fails('s3api', 'get-object', '--bucket', bucket, '--key', 'v', '/dev/null')).toContain(
      'NoSuchKey',
    );
    const listing = await api('list-object-versions', '--bucket', bucket);
    expect(listing.Versions.map((version: { VersionId: string }) => version.VersionId)).toEqual(
      [...ids].reverse(),
    );
    expect(listing.DeleteMarkers).toMatchObject([{ Key: 'v', IsLatest: true, VersionId: marker.VersionId }]);
    await api('delete-object', '--bucket', bucket, '--key', 'v', '--version-id', marker.VersionId);
    expect(await download(bucket, 'v')).toEqual(bytes(500, 3));
    for (const id of ids) await api('delete-object', '--bucket', bucket, '--key', 'v', '--version-id', id);
    await s3('rb', `s3://${bucket}`);
  });

  test('ranges and conditional reads', async () => {
    const data = bytes(10_000, 7);
    await s3('cp', await file('ranged', data), `s3://${BUCKET}/ranged`);
    expect(await download(BUCKET, 'ranged', '--range', 'bytes=100-199')).toEqual(data.subarray(100, 200));
    expect(await download(BUCKET, 'ranged', '--range', 'bytes=-5')).toEqual(data.subarray(-5));
    expect(
      await fails(
        's3api',
        'get-object',
        '--bucket',
        BUCKET,
        '--key',
        'ranged',
        '--range',
        'bytes=99999-',
        '/dev/null',
      ),
    ).toContain('InvalidRange');
    const etag = `"${md5(data)}"`;
    expect(
      await fails(
        's3api',
        'get-object',
        '--bucket',
        BUCKET,
        '--key',
        'ranged',
        '--if-none-match',
        etag,
        '/dev/null',
      ),
    ).toContain('304');
  });

  test('multipart by hand: parts, listing, complete, abort', async () => {
    const at = ['--bucket', BUCKET, '--key', 'by hand'];
    const { UploadId } = await api('create-multipart-upload', ...at);
    const parts = [bytes(5 * MIB, 8), bytes(1_000, 9)];
    const sent: { PartNumber: number; ETag: string }[] = [];
    for (const [index, part] of parts.entries()) {
      const number = ['--part-number', String(index + 1), '--upload-id', UploadId];
      const { ETag } = await api('upload-part', ...at, ...number, '--body', await file('part', part));
      sent.push({ PartNumber: index + 1, ETag });
    }
    const listed = await api('list-parts', ...at, '--upload-id', UploadId);
    expect(listed.Parts).toMatchObject(sent);
    const uploads = await api('list-multipart-uploads', '--bucket', BUCKET, '--prefix', 'by hand');
    expect(uploads.Uploads).toMatchObject([{ Key: 'by hand', UploadId }]);
    await api(
      'complete-multipart-upload',
      ...at,
      '--upload-id',
      UploadId,
      '--multipart-upload',
      JSON.stringify({ Parts: sent }),
    );
    expect(sha256(await download(BUCKET, 'by hand'))).toBe(sha256(Buffer.concat(parts)));
    const aborted = await api('create-multipart-upload', '--bucket', BUCKET, '--key', 'aborted');
    const upload = ['--bucket', BUCKET, '--key', 'aborted', '--upload-id', aborted.UploadId];
    await api('abort-multipart-upload', ...upload);
    expect(await fails('s3api', 'list-parts', ...upload)).toContain('NoSuchUpload');
  });
});
