import { describe, expect, it } from 'vitest';
import { createBlobLocks } from './blob-locks.js';

/** Lets every promise that can settle do so. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('blob locks', () => {
  it('let writers in together and a remover alone, in the order of asking', async () => {
    const locks = createBlobLocks();
    const entered: string[] = [];
    const enter = async (name: string, lock: Promise<() => void>) => {
      const unlock = await lock;
      entered.push(name);
      return unlock;
    };
    const first = await enter('writer 1', locks.share('a'));
    const second = await enter('writer 2', locks.share('a'));
    const remover = enter('remover', locks.exclude('a'));
    const third = enter('writer 3', locks.share('a'));
    const fourth = enter('writer 4', locks.share('a'));
    await settle();
    expect(entered).toEqual(['writer 1', 'writer 2']);
    first();
    first();
    await settle();
    expect(entered).toHaveLength(2);
    second();
    const unlockRemover = await remover;
    await settle();
    expect(entered).toEqual(['writer 1', 'writer 2', 'remover']);
    unlockRemover();
    (await third)();
    (await fourth)();
    expect(entered).toHaveLength(5);
    (await locks.exclude('a'))();
  });

  it('keep blobs apart', async () => {
    const locks = createBlobLocks();
    const unlock = await locks.exclude('a');
    (await locks.exclude('b'))();
    unlock();
  });
});
