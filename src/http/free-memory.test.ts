import { memoryUsage } from 'node:process';
import { expect, it } from 'vitest';
import { freeMemory } from './free-memory.js';

const MIB = 1024 ** 2;

it('frees the memory of a piece before the garbage collector looks at it', () => {
  const kept = Array.from({ length: 64 }, () => Buffer.allocUnsafeSlow(MIB));
  const before_bytes = memoryUsage().arrayBuffers;
  for (const piece of kept) freeMemory(piece);
  expect(before_bytes - memoryUsage().arrayBuffers).toBeGreaterThanOrEqual(64 * MIB);
  expect(kept.every(({ length }) => length === 0)).toBe(true);
});

it('leaves alone what shares its memory with others, and what is small', () => {
  const shared = Buffer.alloc(MIB, 1);
  freeMemory(shared.subarray(1));
  freeMemory(shared.subarray(0, MIB - 1));
  const pooled = Buffer.from('in the pool of node');
  freeMemory(pooled);
  expect(shared.every((byte) => byte === 1)).toBe(true);
  expect(pooled.toString()).toBe('in the pool of node');
});
