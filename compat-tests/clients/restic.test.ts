import { appendFile, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { describeClient } from '../support/client.js';
import { bytes, MIB } from '../support/data.js';
import { MOUNT_NAMES } from '../support/mounts.mjs';
import { run } from '../support/process.mjs';

const FOLDERS = 20;
const FILES_PER_FOLDER = 25;

/** It sends no checksums, which is all that is said of a generic upstream. */
const MOUNTS = MOUNT_NAMES.filter((name) => name !== 'generic');

/** The life of a backup, in order: each test stands on those before it. */
describeClient('restic', { tools: ['restic'], mounts: MOUNTS }, (client) => {
  const restic = async (...args: string[]) => {
    const { s3_url } = client.server;
    const env = {
      RESTIC_REPOSITORY: `s3:${s3_url}/restic-bucket/backups`,
      RESTIC_PASSWORD: 'of these tests',
      RESTIC_CACHE_DIR: join(client.folder, 'cache'),
    };
    // Small packs: more objects, as a large backup has them.
    return client.run('restic', ['--pack-size=4', '--cleanup-cache', ...args], { env });
  };
  const json = async (...args: string[]) => {
    const { text } = await restic('--json', ...args);
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  };
  const tree = () => join(client.folder, 'tree');
  const write = async (name: string, data: Buffer) => {
    const path = join(tree(), name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, data);
  };
  const restoredEquals = async (snapshot: string, target: string) => {
    await restic('restore', `${snapshot}:${tree()}`, '--target', target, '--verify');
    await run('diff', ['-r', '--no-dereference', tree(), target]);
  };
  let first = '';

  beforeAll(async () => {
    for (let folder = 0; folder < FOLDERS; folder += 1)
      for (let file = 0; file < FILES_PER_FOLDER; file += 1) {
        const seed = folder * FILES_PER_FOLDER + file;
        await write(`folder ${folder}/file-${file} ü`, bytes((seed * 977) % 60_000, seed + 1));
      }
    await write('large', bytes(21 * MIB + 7, 1_001));
    await write('deep/er/and/deeper/empty', Buffer.alloc(0));
    await symlink('large', join(tree(), 'link'));
    await restic('init');
  });

  test('backup of a tree of many files', async () => {
    const summary = (await json('backup', tree())).at(-1);
    expect(summary).toMatchObject({ message_type: 'summary', files_new: FOLDERS * FILES_PER_FOLDER + 2 });
    first = summary.snapshot_id;
  });

  test('a second snapshot stores what changed and no more', async () => {
    await appendFile(join(tree(), 'folder 3', 'file-7 ü'), 'more');
    await rm(join(tree(), 'folder 4'), { recursive: true });
    await write('new one', bytes(2 * MIB, 1_002));
    const summary = (await json('backup', tree())).at(-1);
    expect(summary).toMatchObject({ files_new: 1, files_changed: 1 });
    expect(summary.data_added).toBeLessThan(4 * MIB);
    expect((await json('snapshots'))[0]).toHaveLength(2);
  });

  test('check reads and verifies all data', async () => {
    expect((await restic('check', '--read-data')).text).toContain('no errors were found');
  });

  test('restore is the tree, bit for bit', async () => {
    await restoredEquals('latest', join(client.folder, 'restored'));
    const old = join(client.folder, 'restored-first');
    await restic('restore', `${first}:${tree()}`, '--target', old, '--verify');
    expect(await readFile(join(old, 'folder 4', 'file-9 ü'))).toEqual(bytes((109 * 977) % 60_000, 110));
  });

  test('forget and prune remove what no snapshot needs, and the rest stays whole', async () => {
    const before = await json('stats', '--mode', 'raw-data');
    await restic('forget', '--keep-last', '1', '--prune', '--max-unused', '0');
    expect((await json('snapshots'))[0]).toHaveLength(1);
    const after = await json('stats', '--mode', 'raw-data');
    expect(after[0].total_size).toBeLessThan(before[0].total_size);
    expect((await restic('check', '--read-data')).text).toContain('no errors were found');
    await restoredEquals('latest', join(client.folder, 'restored-pruned'));
  });
});
