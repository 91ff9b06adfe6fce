import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { describeClient } from '../support/client.js';
import { bytes, MIB, md5, ODD_KEYS, sha256 } from '../support/data.js';
import { MOUNT_NAMES } from '../support/mounts.mjs';
import { run } from '../support/process.mjs';
import { awsCli } from './aws-cli.js';

describeClient('aws-cli', { tools: ['aws'], mounts: MOUNT_NAMES }, (client) => {
  const BUCKET = 'cli-bucket';
  const { s3, aws, api, fails, file, download } = awsCli(client);

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
    for (const [index, name] of files.entries()) {
      await writeFile(join(source, name), bytes(1_000 + index, index));
      // A file younger than its object counts as changed, and objects tell their time in whole seconds.
      await utimes(join(source, name), 1_000_000_000, 1_000_000_000);
    }
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

  // The tool signs links with the old signature unless its configuration names the current one.
  test('presign gives a link that curl can read, and nobody can change', async () => {
    const data = bytes(3_333, 5);
    await s3('cp', await file('linked', data), `s3://${BUCKET}/linked file+1.bin`);
    await aws('configure', 'set', 'default.s3.signature_version', 's3v4');
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

  // The tool takes a second for each call: the SDK goes through these over the other mounts.
  describe.runIf(client.mount === 'local')('odd keys', () => {
    test.each(ODD_KEYS)('%s', async (key) => {
      const data = bytes(321, key.length);
      await api('put-object', '--bucket', BUCKET, '--key', `odd/${key}`, '--body', await file('odd', data));
      expect(await download(BUCKET, `odd/${key}`)).toEqual(data);
    });

    test('all are listed as they were given, and removed one by one', async () => {
      const listed = await api('list-objects-v2', '--bucket', BUCKET, '--prefix', 'odd/');
      const keys = listed.Contents.map((entry: { Key: string }) => entry.Key.slice(4));
      expect(new Set(keys)).toEqual(new Set(ODD_KEYS));
      await s3('rm', `s3://${BUCKET}/odd/a//b`);
      await s3('rm', '--recursive', `s3://${BUCKET}/odd/`);
      expect(await api('list-objects-v2', '--bucket', BUCKET, '--prefix', 'odd/')).not.toHaveProperty(
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
    expect((await s3('ls')).text).not.toContain('cli-');
  });
});
