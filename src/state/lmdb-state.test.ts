import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStateStore } from './lmdb-state.js';
import type { StateStore } from './store.js';

let folder: string;
let store: StateStore;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'state-'));
  store = openStateStore(join(folder, 'state'));
});

afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

describe('the state store', () => {
  it('keeps values over a restart', async () => {
    await store.table<{ n: number }>('numbers').put('one', { n: 1 });
    await store.close();
    store = openStateStore(join(folder, 'state'));
    expect(store.table('numbers').get('one')).toEqual({ n: 1 });
    expect(store.table('numbers').get('two')).toBeUndefined();
  });

  it('keeps tables apart and counts them', async () => {
    await store.table('a').put('key', 1);
    await store.table('b').put('key', 2);
    await store.table('b').put('other', 3);
    expect(store.table('a').count()).toBe(1);
    expect(store.table('b').count()).toBe(2);
    expect(await store.table('b').delete('key')).toBe(true);
    expect(await store.table('b').delete('key')).toBe(false);
    expect(store.table('b').count()).toBe(1);
  });

  it('lists in UTF-8 order, with bounds', async () => {
    const table = store.table<number>('t');
    // U+FF5E sorts behind U+1F600 in UTF-16, before it in UTF-8.
    const keys = ['a', 'a/b', 'b', '\uFF5E', '\u{1F600}'];
    await Promise.all([...keys].reverse().map((key, index) => table.put(key, index)));
    const names = (options: Parameters<typeof table.range>[0]) => table.range(options).map(({ key }) => key);
    expect(names({ limit: 10 })).toEqual(keys);
    expect(names({ from: 'a/b', limit: 2 })).toEqual(['a/b', 'b']);
    expect(names({ after: 'a/b', limit: 10 })).toEqual(keys.slice(2));
    expect(names({ from: 'a', to: 'b', limit: 10 })).toEqual(['a', 'a/b']);
  });

  it('takes back all of a transaction that throws, and nothing else', async () => {
    const table = store.table<number>('t');
    const beside = table.put('beside', 1);
    const failing = store.transaction(() => {
      void table.put('first', 1);
      throw new Error('no');
    });
    const succeeding = store.transaction(() => {
      void table.put('second', 2);
      return table.get('second');
    });
    const deleting = store.transaction(() => table.delete('second'));
    await expect(failing).rejects.toThrow('no');
    await beside;
    expect(await succeeding).toBe(2);
    expect(await deleting).toBe(true);
    expect(table.range({ limit: 10 }).map(({ key }) => key)).toEqual(['beside']);
  });

  it('makes a read-modify-write of many callers one after the other', async () => {
    const table = store.table<number>('t');
    const add = () => store.transaction(() => void table.put('n', (table.get('n') ?? 0) + 1));
    await Promise.all(Array.from({ length: 200 }, add));
    expect(table.get('n')).toBe(200);
  });
});
