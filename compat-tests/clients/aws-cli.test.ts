import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { describeClient } from '../support/client.js';
import { bytes, MIB, md5, ODD_KEYS, sha256 } from '../support/data.js';
import { run } from '../support/process.mjs';

describeClient('aws-cli', { tools: ['aws'] }, (client) => {
  const BUCKET = 'cli-bucket';
  const aws = (...args: string[]) => client.run('aws', args);
  const s3 = (...args: string[]) => aws('s3', ...args);
  const api = async (...args: string[]) => {
    const { text } = await aws('s3api', ...args, '--output', 'json');
    return text.trim() === '' ? {} : JSON.parse(text);
  };
  const fails = async (...args: string[]) => (await client.run('aws', args, { accept: [1, 254, 255] })).error;
  const file = async (name: string, data: Buffer) => {
    const path = join(client.folder, name);
    await writeFile(path, data);
    return path;
  };
  const download = async (bucket: string, key: string, ...extra: string[]) => {
    const path = join(client.folder, 'downloaded');
    await api('get-object', '--bucket', bucket, '--key', key, ...extra, path);
    return readFile(path);
  };

  beforeAll(async () => {
    await s3('mb', `s3://${BUCKET}`);
  });

  test('a bucket is made once, listed, and not made again by another region', async () => {
    expect((await s3('ls')).text).toContain(BUCKET);
    expect(await fails('s3api', 'head-bucket', '--bucket', 'no-such-bucket-here')).toContain('404');
    expect(await api('get-bucket-location', '--bucket', BUCKET)).toEqual({ LocationConstraint: null });
  });

  test('cp up and down, small', async () => {
    const data = bytes(5_000);
    await s3('cp', await file('small.bin', data), `s3://${BUCKET}/dir/small.bin`);
    const head = await api('head-object', '--bucket', BUCKET, '--key', 'dir/small.bin');
    expect(head).toMatchObject({ ContentLength: 5_000, ETag: `"${md5(data)}"` });
    expect((await client.run('aws', ['s3', 'cp', `s3://${BUCKET}/dir/small.bin`, '-'])).out).toEqual(data);
  });

  test('cp of an empty file', async () => {
    await s3('cp', await file('empty', Buffer.alloc(0)), `s3://${BUCKET}/empty`);
    expect(await download(BUCKET, 'empty')).toHaveLength(0);
  });

  test('cp of a large file goes up in parts and comes down in ranges', async () => {
    const data = bytes(20 * MIB + 12_345, 2);
    await s3('cp', await file('large.bin', data), `s3://${BUCKET}/large.bin`);
    const head = await api('head-object', '--bucket', BUCKET, '--key', 'large.bin');
    expect(head.ContentLength).toBe(data.length);
    expect(head.ETag).toMatch(/^"[0-9a-f]{32}-3"$/);
    await s3('cp', `s3://${BUCKET}/large.bin`, join(client.folder, 'large.back'));
    expect(sha256(await readFile(join(client.folder, 'large.back')))).toBe(sha256(data));
    await s3('cp', `s3://${BUCKET}/large.bin`, `s3://${BUCKET}/large.copy`);
    expect(sha256(await download(BUCKET, 'large.copy'))).toBe(sha256(data));
  });

  test('cp from standard input and to standard output', async () => {
    const data = bytes(9 * MIB + 1, 3);
    await client.run('aws', ['s3', 'cp', '-', `s3://${BUCKET}/streamed`], { input: data });
    const { out } = await client.run('aws', ['s3', 'cp', `s3://${BUCKET}/streamed`, '-']);
    expect(sha256(out)).toBe(sha256(data));
  });

  test('metadata, content type and cache control travel with cp', async () => {
    const path = await file('page.html', Buffer.from('<p>'));
    const options = [
      '--metadata',
      'colour=blue,size=xl',
      '--cache-control',
      'max-age=60',
      '--content-language',
      'de',
    ];
    await s3('cp', path, `s3://${BUCKET}/page.html`, ...options);
    const head = await api('head-object', '--bucket', BUCKET, '--key', 'page.html');
    expect(head).toMatchObject({
      ContentType: 'text/html',
      CacheControl: 'max-age=60',
      ContentLanguage: 'de',
      Metadata: { colour: 'blue', size: 'xl' },
    });
  });

  test('mv removes the source', async () => {
    await s3('cp', await file('to-move', bytes(100, 4)), `s3://${BUCKET}/before`);
    await s3('mv', `s3://${BUCKET}/before`, `s3://${BUCKET}/after`);
    expect(await fails('s3api', 'head-object', '--bucket', BUCKET, '--key', 'before')).toContain('404');
    expect(await download(BUCKET, 'after')).toEqual(bytes(100, 4));
  });

  test('ls shows prefixes and, with --recursive, everything below', async () => {
    for (const key of ['tree/a', 'tree/b/1', 'tree/b/2', 'tree/c/d/3'])
      await api('put-object', '--bucket', BUCKET, '--key', key);
    const flat = (await s3('ls', `s3://${BUCKET}/tree/`)).text
      .split('\n')
      .map((line) => line.trim().split(/\s+/).at(-1));
    expect(flat.filter(Boolean)).toEqual(['b/', 'c/', 'a']);
    const deep = (await s3('ls', '--recursive', `s3://${BUCKET}/tree/`)).text;
    expect(deep.match(/tree\/\S+/g)).toEqual(['tree/a', 'tree/b/1', 'tree/b/2', 'tree/c/d/3']);
  });

  test('ls pages through all keys', async () => {
    await s3('mb', 's3://cli-pages');
    const folder = join(client.folder, 'pages');
    await mkdir(folder);
    for (let index = 0; index < 60; index += 1)
      await writeFile(join(folder, `k${String(index).padStart(3, '0')}`), 'x');
    await s3('sync', folder, 's3://cli-pages');
    const { text } = await client.run('aws', ['s3', 'ls', 's3://cli-pages', '--page-size', '7']);
    expect(text.trim().split('\n')).toHaveLength(60);
    const page = await api(
      'list-objects-v2',
      '--bucket',
      'cli-pages',
      '--max-items',
      '10',
      '--page-size',
      '4',
    );
    expect(page.Contents).toHaveLength(10);
    const rest = await api('list-objects-v2', '--bucket', 'cli-pages', '--starting-token', page.NextToken);
    expect(rest.Contents.map((entry: { Key: string }) => entry.Key)[0]).toBe('k010');
  });

  test('sync up, sync down, and only what changed the second time', async () => {
    const source = join(client.folder, 'sync-source');
    await mkdir(join(source, 'deep', 'er'), { recursive: true });
    const files = ['one', 'deep/two words', 'deep/er/drei+ü', 'deep/er/100%'];
    for (const [index, name] of files.entries())
      await writeFile(join(source, name), bytes(1_000 + index, index));
    const first = await s3('sync', source, `s3://${BUCKET}/sync`);
    expect(first.text.match(/upload:/g)).toHaveLength(4);
    await writeFile(join(source, 'one'), bytes(2_000, 9));
    expect((await s3('sync', source, `s3://${BUCKET}/sync`)).text.match(/upload:/g)).toHaveLength(1);
    const target = join(client.folder, 'sync-target');
    await s3('sync', `s3://${BUCKET}/sync`, target);
    for (const name of files)
      expect(await readFile(join(target, name))).toEqual(await readFile(join(source, name)));
    await s3('rm', `s3://${BUCKET}/sync/one`);
    await s3('sync', `s3://${BUCKET}/sync`, target, '--delete');
    expect((await readdir(target)).sort()).toEqual(['deep']);
  });

  test('presign gives a link that curl can read, and nobody can change', async () => {
    const data = bytes(3_333, 5);
    await s3('cp', await file('linked', data), `s3://${BUCKET}/linked file+1.bin`);
    const link = (await aws('s3', 'presign', `s3://${BUCKET}/linked file+1.bin`)).text.trim();
    expect((await run('curl', ['-sSf', link])).out).toEqual(data);
    const forged = link.replace(
      /Signature=(.)/,
      (_, first: string) => `Signature=${first === '0' ? '1' : '0'}`,
    );
    const refused = await run('curl', ['-sS', '-w', '%{http_code}', forged]);
    expect(refused.text).toContain('SignatureDoesNotMatch');
    expect(refused.text).toMatch(/403$/);
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
    const flag = `--checksum-${algorithm.toLowerCase()}`;
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

  describe('odd keys', () => {
    test.each(ODD_KEYS)('%s', async (key) => {
      const data = bytes(321, key.length);
      await api('put-object', '--bucket', BUCKET, '--key', `odd:${key}`, '--body', await file('odd', data));
      expect(await download(BUCKET, `odd:${key}`)).toEqual(data);
    });

    test('all are listed as they were given, and removed one by one', async () => {
      const listed = await api('list-objects-v2', '--bucket', BUCKET, '--prefix', 'odd:');
      const keys = listed.Contents.map((entry: { Key: string }) => entry.Key.slice(4));
      expect(new Set(keys)).toEqual(new Set(ODD_KEYS));
      await s3('rm', `s3://${BUCKET}/odd:a//b`);
      await s3('rm', '--recursive', `s3://${BUCKET}/odd:`);
      expect(await api('list-objects-v2', '--bucket', BUCKET, '--prefix', 'odd:')).not.toHaveProperty(
        'Contents',
      );
    });
  });

  test('wrong credentials and unknown operations are named as AWS names them', async () => {
    const wrong = await client.run('aws', ['s3', 'ls'], {
      env: { AWS_SECRET_ACCESS_KEY: 'not-the-secret-of-this-key' },
      accept: [254, 255, 1],
    });
    expect(wrong.error).toContain('SignatureDoesNotMatch');
    const unknown = await client.run('aws', ['s3', 'ls'], {
      env: { AWS_ACCESS_KEY_ID: 'AKNOBODY' },
      accept: [254, 255, 1],
    });
    expect(unknown.error).toContain('InvalidAccessKeyId');
    expect(
      await fails('s3api', 'get-object', '--bucket', BUCKET, '--key', 'nothing here', '/dev/null'),
    ).toContain('NoSuchKey');
  });

  test('rm --recursive and rb', async () => {
    expect(await fails('s3', 'rb', `s3://${BUCKET}`)).toContain('BucketNotEmpty');
    await s3('rm', '--recursive', `s3://${BUCKET}`);
    expect((await s3('ls', `s3://${BUCKET}`, '--recursive')).text).toBe('');
    await s3('rb', `s3://${BUCKET}`);
    await s3('rb', '--force', 's3://cli-pages');
    expect((await s3('ls')).text).toBe('');
  });
});
