import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { describeClient } from '../support/client.js';
import { bytes, MIB, md5, ODD_KEYS, sha256 } from '../support/data.js';
import { MOUNT_NAMES } from '../support/mounts.mjs';
import type { RunOptions } from '../support/process.mjs';

describeClient('rclone', { tools: ['rclone'], mounts: MOUNT_NAMES }, (client) => {
  const BUCKET = 'rclone-bucket';
  const rclone = (args: string[], options: RunOptions = {}) => {
    const { server } = client;
    const remote = {
      RCLONE_CONFIG: '/dev/null',
      RCLONE_CONFIG_NODE_TYPE: 's3',
      RCLONE_CONFIG_NODE_PROVIDER: 'Other',
      RCLONE_CONFIG_NODE_ENDPOINT: server.s3_url,
      RCLONE_CONFIG_NODE_ACCESS_KEY_ID: server.access_key,
      RCLONE_CONFIG_NODE_SECRET_ACCESS_KEY: server.secret_key,
      RCLONE_CONFIG_NODE_REGION: 'us-east-1',
    };
    return client.run('rclone', ['--retries=1', '--low-level-retries=1', ...args], {
      ...options,
      env: remote,
    });
  };
  const tree = async (name: string, files: Record<string, Buffer>) => {
    const folder = join(client.folder, name);
    for (const [path, data] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), data);
    }
    return folder;
  };
  const lines = (text: string) => text.split('\n').filter(Boolean).sort();
  const FILES = {
    one: bytes(1_000, 1),
    'dir/two words': bytes(2_000, 2),
    'dir/deep/zwölf+12': bytes(3_000, 3),
    'dir/deep/100%25': bytes(0),
  };

  beforeAll(async () => {
    await rclone(['mkdir', `node:${BUCKET}`]);
  });

  test('copy up, check, copy down', async () => {
    const source = await tree('source', FILES);
    await rclone(['copy', source, `node:${BUCKET}/copy`]);
    await rclone(['check', source, `node:${BUCKET}/copy`]);
    await rclone(['check', '--download', source, `node:${BUCKET}/copy`]);
    const target = join(client.folder, 'target');
    await rclone(['copy', `node:${BUCKET}/copy`, target]);
    for (const [path, data] of Object.entries(FILES))
      expect(await readFile(join(target, path))).toEqual(data);
  });

  test('modification times survive', async () => {
    const source = await tree('times', { file: bytes(10) });
    await rclone(['touch', '--timestamp', '2001-02-03T04:05:06.789', join(source, 'file')]);
    await rclone(['copy', source, `node:${BUCKET}/times`]);
    expect((await rclone(['lsl', `node:${BUCKET}/times`])).text).toContain('2001-02-03 04:05:06.789');
    await rclone(['touch', '--timestamp', '2011-02-03T04:05:06', `node:${BUCKET}/times/file`]);
    expect((await rclone(['lsl', `node:${BUCKET}/times`])).text).toContain('2011-02-03 04:05:06.000');
    expect((await rclone(['cat', `node:${BUCKET}/times/file`])).out).toEqual(bytes(10));
  });

  test('sync removes what is gone, and moves nothing twice', async () => {
    const source = await tree('sync', FILES);
    await rclone(['sync', source, `node:${BUCKET}/sync`]);
    const next = await tree('sync-next', { one: FILES.one, new: bytes(5, 5) });
    await rclone(['sync', next, `node:${BUCKET}/sync`]);
    expect(lines((await rclone(['lsf', '-R', '--files-only', `node:${BUCKET}/sync`])).text)).toEqual([
      'new',
      'one',
    ]);
    const again = await rclone(['sync', '-v', '--stats-one-line', source, `node:${BUCKET}/again`]);
    expect(again.error).toContain('Copied (new)');
    expect((await rclone(['sync', '-v', source, `node:${BUCKET}/again`])).error).not.toContain('Copied');
  });

  test('lsf, lsd, size, hashsum', async () => {
    const source = await tree('list', FILES);
    await rclone(['copy', source, `node:${BUCKET}/list`]);
    expect(lines((await rclone(['lsf', `node:${BUCKET}/list`])).text)).toEqual(['dir/', 'one']);
    expect((await rclone(['lsd', `node:${BUCKET}/list`])).text).toMatch(/ dir\n$/);
    expect(JSON.parse((await rclone(['size', '--json', `node:${BUCKET}/list`])).text)).toMatchObject({
      count: 4,
      bytes: 6_000,
    });
    const sums = (await rclone(['hashsum', 'MD5', `node:${BUCKET}/list`])).text;
    for (const [path, data] of Object.entries(FILES)) expect(sums).toContain(`${md5(data)}  ${path}`);
  });

  test('large files go up in parts, several at once, and keep their MD5', async () => {
    const data = bytes(23 * MIB + 1, 7);
    const source = await tree('large', { big: data });
    const parts = ['--s3-chunk-size=5Mi', '--s3-upload-cutoff=5Mi', '--s3-upload-concurrency=4'];
    await rclone(['copy', ...parts, source, `node:${BUCKET}/large`]);
    expect(sha256((await rclone(['cat', `node:${BUCKET}/large/big`])).out)).toBe(sha256(data));
    expect((await rclone(['md5sum', `node:${BUCKET}/large`])).text).toContain(md5(data));
    await rclone([
      'copyto',
      '--s3-copy-cutoff=6Mi',
      '--s3-chunk-size=6Mi',
      `node:${BUCKET}/large/big`,
      `node:${BUCKET}/large/copied`,
    ]);
    expect(sha256((await rclone(['cat', `node:${BUCKET}/large/copied`])).out)).toBe(sha256(data));
    const slices = ['--multi-thread-cutoff=5Mi', '--multi-thread-streams=4', '--multi-thread-chunk-size=5Mi'];
    await rclone(['copyto', ...slices, `node:${BUCKET}/large/big`, join(client.folder, 'slices')]);
    expect(sha256(await readFile(join(client.folder, 'slices')))).toBe(sha256(data));
  });

  test('rcat streams what has no length, small and large', async () => {
    for (const size_bytes of [0, 100, 7 * MIB]) {
      const data = bytes(size_bytes, 8);
      await rclone(['rcat', '--streaming-upload-cutoff=1Mi', `node:${BUCKET}/stream${size_bytes}`], {
        input: data,
      });
      expect(sha256((await rclone(['cat', `node:${BUCKET}/stream${size_bytes}`])).out)).toBe(sha256(data));
    }
  });

  test('cat of a piece', async () => {
    await rclone(['rcat', `node:${BUCKET}/piece`], { input: bytes(5_000, 9) });
    const { out } = await rclone(['cat', '--offset=1000', '--count=77', `node:${BUCKET}/piece`]);
    expect(out).toEqual(bytes(5_000, 9).subarray(1_000, 1_077));
  });

  client.needing('versioning')('versions', async () => {
    await rclone(['mkdir', 'node:rclone-versions']);
    await rclone(['backend', 'versioning', 'node:rclone-versions', 'Enabled']);
    expect((await rclone(['backend', 'versioning', 'node:rclone-versions'])).text).toContain('Enabled');
    await rclone(['rcat', 'node:rclone-versions/v.txt'], { input: bytes(101, 1) });
    // rclone tells versions apart by their times, which S3 gives in whole seconds.
    await delay(1_100);
    await rclone(['rcat', 'node:rclone-versions/v.txt'], { input: bytes(102, 2) });
    await rclone(['deletefile', 'node:rclone-versions/v.txt']);
    expect((await rclone(['lsf', 'node:rclone-versions'])).text).toBe('');
    const old = lines((await rclone(['lsf', '--s3-versions', 'node:rclone-versions'])).text);
    expect(old).toHaveLength(2);
    const contents = [];
    for (const name of old)
      contents.push((await rclone(['cat', '--s3-versions', `node:rclone-versions/${name}`])).out.length);
    expect(contents.sort()).toEqual([101, 102]);
    await rclone(['backend', 'cleanup-hidden', 'node:rclone-versions']);
    await rclone(['purge', 'node:rclone-versions']);
  });

  test('a link and the clean-up of unfinished uploads', async () => {
    await rclone(['rcat', `node:${BUCKET}/linked ü`], { input: bytes(99) });
    const link = (await rclone(['link', `node:${BUCKET}/linked ü`])).text.trim();
    expect(Buffer.from(await (await fetch(link)).arrayBuffer())).toEqual(bytes(99));
    await rclone(['backend', 'cleanup', '-o', 'max-age=0s', `node:${BUCKET}`]);
    expect(
      JSON.parse((await rclone(['backend', 'list-multipart-uploads', `node:${BUCKET}`])).text)[BUCKET] ?? [],
    ).toEqual([]);
  });

  test('odd keys', async () => {
    // A file system can hold these; the others are tested by clients that need none.
    const keys = ODD_KEYS.filter((key) => !key.includes('//') && !key.endsWith('/') && !key.includes('\\'));
    const source = await tree('odd', Object.fromEntries(keys.map((key, index) => [key, bytes(50, index)])));
    await rclone(['copy', source, `node:${BUCKET}/odd`]);
    await rclone(['check', '--download', source, `node:${BUCKET}/odd`]);
    expect(lines((await rclone(['lsf', '-R', '--files-only', `node:${BUCKET}/odd`])).text)).toEqual(
      [...keys].sort(),
    );
  });

  test('moveto, deletefile, delete, purge', async () => {
    await rclone(['rcat', `node:${BUCKET}/m`], { input: bytes(44) });
    await rclone(['moveto', `node:${BUCKET}/m`, `node:${BUCKET}/moved/m`]);
    expect((await rclone(['cat', `node:${BUCKET}/moved/m`])).out).toEqual(bytes(44));
    await rclone(['deletefile', `node:${BUCKET}/moved/m`]);
    await rclone(['delete', `node:${BUCKET}/copy`]);
    await rclone(['purge', `node:${BUCKET}`]);
    expect((await rclone(['lsf', 'node:'])).text).not.toContain(BUCKET);
  });
});
