import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execPath, memoryUsage } from 'node:process';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { expect, it, onTestFinished } from 'vitest';
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

it('leaves alone what cannot be taken away, and what is gone already', () => {
  const seen_by_threads = new Uint8Array(new SharedArrayBuffer(MIB)).fill(1);
  const of_wasm = new Uint8Array(new WebAssembly.Memory({ initial: 16 }).buffer).fill(1);
  for (const piece of [seen_by_threads, of_wasm]) {
    freeMemory(piece);
    expect(piece.length).toBe(MIB);
    expect(piece.every((byte) => byte === 1)).toBe(true);
  }
  const twice = Buffer.allocUnsafeSlow(MIB);
  freeMemory(twice);
  freeMemory(twice);
  expect(twice.length).toBe(0);
});

it('does so, or nothing, however restricted the process is', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'backup-node-free-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const outfile = join(folder, 'free-memory.mjs');
  const entryPoints = [join(import.meta.dirname, 'free-memory.ts')];
  await build({ entryPoints, outfile, bundle: true, platform: 'node', format: 'esm', logLevel: 'silent' });
  const lengthLeft = async (prelude: string, ...flags: string[]): Promise<number> => {
    const free = `const piece = Buffer.alloc(${MIB}); freeMemory(piece); console.log(piece.length)`;
    const script = `import { freeMemory } from ${JSON.stringify(outfile)}; ${prelude}; ${free}`;
    const args = [...flags, '--no-warnings', '--input-type=module', '--eval', script];
    return Number((await promisify(execFile)(execPath, args)).stdout);
  };
  expect(await lengthLeft('')).toBe(0);
  expect(await lengthLeft('', '--disallow-code-generation-from-strings')).toBe(0);
  expect(await lengthLeft('', '--jitless')).toBe(0);
  expect(await lengthLeft('', '--frozen-intrinsics')).toBe(0);
  const permission = process.allowedNodeEnvironmentFlags.has('--permission')
    ? '--permission'
    : '--experimental-permission';
  expect(await lengthLeft('', permission, '--allow-fs-read=*')).toBe(0);
  const refusing = 'ArrayBuffer.prototype.transfer = () => { throw new TypeError() }';
  expect(await lengthLeft(refusing)).toBe(MIB);
});
