import { describe, expect, it } from 'vitest';
import { createBlockPool } from './block-pool.js';

describe('block pool', () => {
  it('reuses blocks, makes no more than it may, and serves those who wait in order', async () => {
    const pool = createBlockPool({ blocks_max: 2, shared: false });
    const first = await pool.take();
    const second = await pool.take();
    const order: string[] = [];
    const third = pool.take().then((block) => {
      order.push('third');
      return block;
    });
    const fourth = pool.take().then((block) => {
      order.push('fourth');
      return block;
    });
    expect(pool.tryTake(0)).toBeUndefined();
    pool.give(first);
    pool.give(second);
    expect([await third, await fourth]).toEqual([first, second]);
    expect(order).toEqual(['third', 'fourth']);
    expect(pool.size).toBe(2);
  });

  it('keeps the reserve from those who only try', async () => {
    const pool = createBlockPool({ blocks_max: 3, shared: false });
    expect(pool.tryTake(2)).toBeDefined();
    expect(pool.tryTake(2)).toBeUndefined();
    await pool.take();
    expect(pool.tryTake(0)).toBeDefined();
  });

  it('hurries one holder for each who waits, at once when somebody waits already', async () => {
    const pool = createBlockPool({ blocks_max: 1, shared: false });
    const block = await pool.take();
    let hurried = 0;
    const withdrawn = pool.offer(() => {
      throw new Error('was withdrawn');
    });
    withdrawn();
    pool.offer(() => {
      hurried += 1;
      pool.give(block);
    });
    const taken = await pool.take();
    expect(hurried).toBe(1);
    const waiting = pool.take();
    pool.offer(() => pool.give(taken));
    expect(await waiting).toBe(taken);
  });

  it('gives memory back, but not that of blocks in use', async () => {
    const pool = createBlockPool({ blocks_max: 4, shared: false });
    const held = await pool.take();
    pool.give(await pool.take());
    expect(pool.size).toBe(2);
    pool.trim();
    expect(pool.size).toBe(1);
    expect((await pool.take()).index).not.toBe(held.index);
  });

  it('gives the memory of shared blocks back when none is in use any more', async () => {
    const pool = createBlockPool({ blocks_max: 4, shared: true });
    const [held, other] = [await pool.take(), await pool.take()];
    held.bytes.fill(1);
    other.bytes.fill(2);
    pool.give(other);
    pool.trim();
    expect(pool.size).toBe(2);
    expect(new Set(held.bytes)).toEqual(new Set([1]));
    pool.give(held);
    pool.trim();
    expect(pool.size).toBe(0);
    const fresh = await pool.take();
    expect([held.index, other.index]).not.toContain(fresh.index);
    expect(fresh.bytes.buffer).not.toBe(held.bytes.buffer);
  });
});
