import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createBlobFolders } from './blob-folders.js';
import { createFolderSync } from './durable-fs.js';
import { createBlobPaths } from './paths.js';
import { temporaryFolder } from './testing/blob-fixtures.js';

const name = (prefix: string) => prefix.padEnd(64, '0');

/** A process that works on the folder, and the folders that it has synced since last asked. */
function startProcess(root: string) {
  const paths = createBlobPaths(root);
  const sync = createFolderSync();
  const synced: string[] = [];
  const folders = createBlobFolders(paths, async (folder) => {
    await sync(folder);
    synced.push(relative(root, folder));
  });
  return {
    paths,
    publish(hex: string) {
      const temporary = join(root, `tmp-${hex}`);
      writeFileSync(temporary, 'content');
      return folders.publish(temporary, hex);
    },
    synced: () => synced.splice(0).sort(),
  };
}

describe('publishing a blob', () => {
  it('makes every folder on the way durable, those that are settled only once', async () => {
    const root = temporaryFolder();
    mkdirSync(join(root, 'blobs'));
    const first = startProcess(root);
    await first.publish(name('abcd'));
    expect(existsSync(first.paths.file(name('abcd')))).toBe(true);
    expect(new Set(first.synced())).toEqual(new Set(['blobs', 'blobs/ab', 'blobs/ab/cd']));
    await first.publish(name('abcd1'));
    expect(first.synced()).toEqual(['blobs/ab/cd']);
    await first.publish(name('abce'));
    expect(first.synced()).toEqual(['blobs/ab', 'blobs/ab/ce']);
  });

  it('trusts no folder that an earlier process made and perhaps never synced', async () => {
    const root = temporaryFolder();
    mkdirSync(join(root, 'blobs/ab/cd'), { recursive: true });
    const second = startProcess(root);
    await second.publish(name('abcd'));
    expect(second.synced()).toEqual(['blobs', 'blobs/ab', 'blobs/ab/cd']);
  });

  it('lets no one go before a folder that another has just made is durable', async () => {
    const root = temporaryFolder();
    mkdirSync(join(root, 'blobs'));
    const process = startProcess(root);
    const names = Array.from({ length: 20 }, (_, index) => name(`abcd${index}f`));
    const publishing = names.map((hex) => process.publish(hex));
    await Promise.race(publishing);
    expect(process.synced()).toEqual(expect.arrayContaining(['blobs', 'blobs/ab', 'blobs/ab/cd']));
    await Promise.all(publishing);
    expect(names.every((hex) => existsSync(process.paths.file(hex)))).toBe(true);
  });

  it('fails when a folder cannot be made durable, and tries again the next time', async () => {
    const root = temporaryFolder();
    mkdirSync(join(root, 'blobs'));
    const paths = createBlobPaths(root);
    let broken = true;
    const folders = createBlobFolders(paths, async (folder) => {
      if (broken && folder === paths.blobs) throw new Error('EIO');
    });
    const publish = (hex: string) => {
      writeFileSync(join(root, hex), '');
      return folders.publish(join(root, hex), hex);
    };
    await expect(publish(name('abcd'))).rejects.toThrow('EIO');
    await expect(publish(name('abcd'))).rejects.toThrow('EIO');
    broken = false;
    await publish(name('abcd'));
  });
});
