import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLimiter } from '../../limiter.js';
import { createBlockPool } from './block-pool.js';
import { createDirectWriter } from './direct-writer.js';
import { BLOCK_BYTES } from './paths.js';

const pool = createBlockPool({ blocks_max: 2, shared: true });

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'direct-'));
  path = join(folder, 'file');
  await writeFile(path, '');
});

afterEach(() => rm(folder, { recursive: true, force: true }));

// Whether a block passes by the page cache depends on the file system: so what is tested is that it says so.
describe('direct writer', () => {
  it('has written what it says it has written, each block at its place', async () => {
    const writer = createDirectWriter({ path, direct_writes: createLimiter(1) });
    const [first, second] = [await pool.take(), await pool.take()];
    first.bytes.fill(1);
    second.bytes.fill(2);
    const written = await Promise.all([
      writer.write(second.bytes, BLOCK_BYTES),
      writer.write(first.bytes, 0),
    ]);
    await writer.close();
    expect(written[0]).toBe(written[1]);
    const expected = written[0] ? Buffer.concat([first.bytes, second.bytes]) : Buffer.alloc(0);
    expect((await readFile(path)).equals(expected)).toBe(true);
    pool.give(first);
    pool.give(second);
  });

  it('leaves parts of blocks to the usual way, and memory that the disk does not take', async () => {
    const writer = createDirectWriter({ path, direct_writes: createLimiter(1) });
    const block = await pool.take();
    expect(await writer.write(block.bytes.subarray(0, 4_096), 0)).toBe(false);
    expect(await writer.write(block.bytes, 4_096)).toBe(false);
    const odd = Buffer.alloc(BLOCK_BYTES + 1, 7).subarray(1);
    const taken = await writer.write(odd, 0);
    await writer.close();
    expect((await readFile(path)).equals(taken ? odd : Buffer.alloc(0))).toBe(true);
    pool.give(block);
  });

  it('leaves to the usual way what cannot be opened a second time', async () => {
    const writer = createDirectWriter({ path: join(folder, 'none'), direct_writes: createLimiter(1) });
    const block = await pool.take();
    expect(await writer.write(block.bytes, 0)).toBe(false);
    await writer.close();
    pool.give(block);
  });
});
