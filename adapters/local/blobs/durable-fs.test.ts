import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { StoreError } from '../../contract/index.js';
import { createFolderSync, readError, writeError } from './durable-fs.js';
import { temporaryFolder } from './testing/blob-fixtures.js';

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

describe('file system errors', () => {
  it('become kinds once', () => {
    const kinds = (map: (error: unknown) => StoreError, codes: string[]) =>
      codes.map((code) => map(systemError(code)).kind);
    expect(kinds(writeError, ['ENOSPC', 'EDQUOT', 'EMFILE', 'EIO', 'EROFS'])).toEqual([
      'no_space',
      'no_space',
      'unavailable',
      'unexpected',
      'unexpected',
    ]);
    expect(kinds(readError, ['ENOENT', 'EIO', 'EMFILE'])).toEqual(['corrupt', 'unavailable', 'unavailable']);
    const known = new StoreError('corrupt', 'known');
    expect(writeError(known)).toBe(known);
    expect(readError(known)).toBe(known);
    expect(writeError(systemError('EIO')).detail).toEqual({ code: 'EIO' });
  });
});

describe('folder sync', () => {
  it('lets those who come during a sync share the next one', async () => {
    const folder = temporaryFolder();
    const sync = createFolderSync();
    const first = sync(folder);
    const second = sync(folder);
    expect(second).not.toBe(first);
    expect(sync(folder)).toBe(second);
    await Promise.all([first, second]);
    await sync(folder);
  });

  it('tells every caller of a failure, and starts afresh', async () => {
    const folder = join(temporaryFolder(), 'missing');
    const sync = createFolderSync();
    const outcomes = await Promise.allSettled([sync(folder), sync(folder), sync(folder)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    mkdirSync(folder);
    await sync(folder);
    rmSync(folder, { recursive: true });
  });
});
