import { mkdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { describeClient } from '../support/client.js';
import { bytes, MIB, md5, ODD_KEYS, sha256 } from '../support/data.js';
import { MOUNT_NAMES } from '../support/mounts.mjs';
import type { RunOptions } from '../support/process.mjs';

describeClient('mc', { tools: ['mc'], mounts: MOUNT_NAMES }, (client) => {
  const BUCKET = 'node/mc-bucket';
  const mc = (args: string[], options: RunOptions = {}) =>
    client.run(
      'mc',
      ['--config-dir', join(client.folder, '.mc'), '--disable-pager', '--json', ...args],
      options,
    );
  const raw = (args: string[], options: RunOptions = {}) =>
    client.run('mc', ['--config-dir', join(client.folder, '.mc'), '--disable-pager', ...args], options);
  const rows = async (...args: string[]): Promise<Record<string, unknown>[]> =>
    (await mc(args)).text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  const file = async (name: string, data: Buffer) => {
    const path = join(client.folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, data);
    // mc calls a file changed that is younger than the object, and objects tell their time in whole seconds.
    await utimes(path, 1_000_000_000, 1_000_000_000);
    return path;
  };
  const cat = async (target: string, ...flags: string[]) => (await raw(['cat', ...flags, target])).out;

  beforeAll(async () => {
    const { server } = client;
    await mc(['alias', 'set', 'node', server.s3_url, server.access_key, server.secret_key]);
    await mc(['mb', BUCKET]);
  });

  test('cp up, stat, cat, cp down', async () => {
    const data = bytes(60_000);
    await mc([
      'cp',
      '--attr',
      'Cache-Control=max-age=9;colour=blue',
      await file('a.txt', data),
      `${BUCKET}/dir/a.txt`,
    ]);
    const [stat] = await rows('stat', `${BUCKET}/dir/a.txt`);
    expect(stat).toMatchObject({ size: 60_000, etag: md5(data) });
    expect(JSON.stringify(stat)).toContain('max-age=9');
    expect(await cat(`${BUCKET}/dir/a.txt`)).toEqual(data);
    await mc(['cp', `${BUCKET}/dir/a.txt`, join(client.folder, 'a.back')]);
    expect(await readFile(join(client.folder, 'a.back'))).toEqual(data);
  });

  test('cp of a large file, and between keys', async () => {
    const data = bytes(18 * MIB + 5, 2);
    await mc(['cp', await file('large', data), `${BUCKET}/large`]);
    expect(sha256(await cat(`${BUCKET}/large`))).toBe(sha256(data));
    await mc(['cp', `${BUCKET}/large`, `${BUCKET}/large copy`]);
    expect(sha256(await cat(`${BUCKET}/large copy`))).toBe(sha256(data));
    const put = [
      'put',
      '--part-size',
      '5MiB',
      '--parallel',
      '3',
      join(client.folder, 'large'),
      `${BUCKET}/large put`,
    ];
    await mc(put);
    expect(sha256(await cat(`${BUCKET}/large put`))).toBe(sha256(data));
  });

  const pipes = (size_bytes: number) => async () => {
    await raw(['pipe', `${BUCKET}/piped${size_bytes}`], { input: bytes(size_bytes, 3) });
    expect(sha256(await cat(`${BUCKET}/piped${size_bytes}`))).toBe(sha256(bytes(size_bytes, 3)));
  };
  test('pipe takes little', pipes(10));
  test('pipe takes what has no length', pipes(6 * MIB));
  client.needing('empty_parts')(
    'pipe takes nothing, which mc sends as an upload of one empty part',
    pipes(0),
  );

  test('cat of a piece, head', async () => {
    await raw(['pipe', `${BUCKET}/piece`], { input: bytes(2_000, 4) });
    expect(await cat(`${BUCKET}/piece`, '--offset', '1500')).toEqual(bytes(2_000, 4).subarray(1_500));
    await raw(['pipe', `${BUCKET}/text`], { input: 'one\ntwo\nthree\n' });
    expect((await raw(['head', '--lines', '2', `${BUCKET}/text`])).text).toBe('one\ntwo\n');
  });

  test('mirror both ways, diff sees the difference', async () => {
    const names = ['one', 'deep/two words', 'deep/er/drei+ü'];
    for (const [index, name] of names.entries()) await file(`mirror/${name}`, bytes(1_000, index));
    const source = join(client.folder, 'mirror');
    await mc(['mirror', source, `${BUCKET}/mirror`]);
    expect(await rows('diff', source, `${BUCKET}/mirror`)).toEqual([]);
    await file('mirror/one', bytes(1_001, 8));
    expect(await rows('diff', source, `${BUCKET}/mirror`)).toHaveLength(1);
    await mc(['mirror', '--overwrite', '--remove', source, `${BUCKET}/mirror`]);
    const target = join(client.folder, 'mirror-back');
    await mc(['mirror', `${BUCKET}/mirror`, target]);
    for (const name of names)
      expect(await readFile(join(target, name))).toEqual(await readFile(join(source, name)));
  });

  test('ls, find, du', async () => {
    for (const name of ['f/1.jpg', 'f/2.txt', 'f/sub/3.jpg'])
      await raw(['pipe', `${BUCKET}/${name}`], { input: bytes(100) });
    const keys = (await rows('ls', `${BUCKET}/f/`)).map((row) => row.key);
    expect(keys.sort()).toEqual(['1.jpg', '2.txt', 'sub/']);
    const found = (await rows('find', `${BUCKET}/f`, '--name', '*.jpg')).map((row) => String(row.key));
    expect(found.map((key) => key.slice(key.indexOf('/f/'))).sort()).toEqual(['/f/1.jpg', '/f/sub/3.jpg']);
    const [du] = await rows('du', `${BUCKET}/f`);
    expect(du).toMatchObject({ size: 300, objects: 3 });
  });

  client.needing('tagging')('tags', async () => {
    await raw(['pipe', `${BUCKET}/tagged`], { input: 'x' });
    await mc(['tag', 'set', `${BUCKET}/tagged`, 'a=1&b=zwei']);
    const [tags] = await rows('tag', 'list', `${BUCKET}/tagged`);
    expect(tags).toMatchObject({ tagset: { a: '1', b: 'zwei' } });
    await mc(['tag', 'remove', `${BUCKET}/tagged`]);
  });

  client.needing('versioning')('versions: list, read an old one, undo, rm --versions', async () => {
    const bucket = 'node/mc-versions';
    await mc(['mb', '--with-versioning', bucket]);
    expect(await rows('version', 'info', bucket)).toMatchObject([{ versioning: { status: 'Enabled' } }]);
    for (const seed of [1, 2, 3]) await raw(['pipe', `${bucket}/v`], { input: bytes(100, seed) });
    await mc(['rm', `${bucket}/v`]);
    const versions = await rows('ls', '--versions', bucket);
    expect(versions).toHaveLength(4);
    const oldest = versions.map((row) => String(row.versionId)).at(-1) ?? '';
    expect(await cat(`${bucket}/v`, '--version-id', oldest)).toEqual(bytes(100, 1));
    await mc(['undo', `${bucket}/v`]);
    expect(await cat(`${bucket}/v`)).toEqual(bytes(100, 3));
    await mc(['rm', '--versions', '--recursive', '--force', bucket]);
    expect(await rows('ls', '--versions', bucket)).toEqual([]);
    await mc(['rb', bucket]);
  });

  test('share gives links for reading and for writing', async () => {
    await raw(['pipe', `${BUCKET}/shared ü+`], { input: bytes(777, 5) });
    const [row] = await rows('share', 'download', `${BUCKET}/shared ü+`);
    const answer = await fetch(String(row?.share));
    expect(Buffer.from(await answer.arrayBuffer())).toEqual(bytes(777, 5));
  });

  describe('odd keys', () => {
    // mc cleans paths itself: keys with `//` cannot be said in its language.
    const keys = ODD_KEYS.filter((key) => !key.includes('//') && !key.endsWith('/'));
    client.eachKey(keys, async (key) => {
      await raw(['pipe', `${BUCKET}/odd/${key}`], { input: bytes(111, key.length) });
      expect(await cat(`${BUCKET}/odd/${key}`)).toEqual(bytes(111, key.length));
    });
  });

  test('mv, rm --recursive, rb --force', async () => {
    await raw(['pipe', `${BUCKET}/from`], { input: bytes(10) });
    await mc(['mv', `${BUCKET}/from`, `${BUCKET}/to`]);
    expect(await cat(`${BUCKET}/to`)).toEqual(bytes(10));
    await mc(['rm', '--recursive', '--force', `${BUCKET}/f/`]);
    expect(await rows('ls', `${BUCKET}/f/`)).toEqual([]);
    await mc(['rb', '--force', BUCKET]);
    expect((await rows('ls', 'node')).map((row) => row.key)).not.toContain('mc-bucket/');
  });
});
