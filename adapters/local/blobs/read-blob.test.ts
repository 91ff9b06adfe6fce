import { closeSync, openSync, readdirSync, readlinkSync, rmSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../../config/limits.js';
import { readAll } from '../../conformance/support/bytes.js';
import { createLimiter } from '../../limiter.js';
import type { BlobRecord } from './blob-store.js';
import { createBlockPool } from './block-pool.js';
import { createPacker } from './packing.js';
import { createBlobPaths } from './paths.js';
import { readBlob } from './read-blob.js';
import { BLOCK_BYTES, content, openTemporaryStore, put, temporaryFolder } from './testing/blob-fixtures.js';

const SIZE = 4 * BLOCK_BYTES + 1_234;

async function storedFile() {
  const opened = await openTemporaryStore({ inline_bytes_max: 0, hash_in_place_bytes_max: SIZE });
  const bytes = content(SIZE, 3);
  const { record } = await put(opened.store, bytes, SIZE);
  return { ...opened, bytes, record, file: createBlobPaths(opened.root).file(record.id.toString('hex')) };
}

function flipBit(file: string, position: number, byte: number): void {
  const fd = openSync(file, 'r+');
  writeSync(fd, Buffer.of(byte ^ 1), 0, 1, position);
  closeSync(fd);
}

/** Bytes that leave before the error, and the error. */
async function drainUntilError(body: Uint8Array | AsyncIterable<Uint8Array>) {
  let received = 0;
  try {
    if (body instanceof Uint8Array) throw new TypeError('expected a stream');
    for await (const chunk of body) received += chunk.length;
  } catch (error) {
    return { received, error };
  }
  return { received, error: undefined };
}

const FRAMING = { packer: createPacker(createLimiter(1)), keys: undefined };

const RANGES: readonly (readonly [number, number])[] = [
  [0, SIZE - 1],
  [0, 0],
  [SIZE - 1, SIZE - 1],
  [BLOCK_BYTES - 1, BLOCK_BYTES],
  [BLOCK_BYTES, 2 * BLOCK_BYTES - 1],
  [BLOCK_BYTES + 77, 3 * BLOCK_BYTES + 5],
  [4 * BLOCK_BYTES, SIZE - 1],
];

describe('read', () => {
  it.each(RANGES)('gives bytes %i to %i of a file', async (start, end) => {
    const { store, bytes, record } = await storedFile();
    const read = await readAll(store.read(record, start, end));
    expect(read.equals(bytes.subarray(start, end + 1))).toBe(true);
  });

  it.each(RANGES)('gives bytes %i to %i when no block is free to keep', async (start, end) => {
    const { root, bytes, record } = await storedFile();
    const context = {
      ...FRAMING,
      paths: createBlobPaths(root),
      pool: createBlockPool({ blocks_max: 1, shared: false }),
      read_ahead_blocks: 3,
      reserve_blocks: 1,
      lean_chunk_bytes: 100_000,
    };
    const bodies = [1, 2, 3].map(() => readAll(readBlob(context, record, start, end)));
    for (const read of await Promise.all(bodies)) {
      expect(read.equals(bytes.subarray(start, end + 1))).toBe(true);
    }
    expect(context.pool.size).toBe(1);
  });

  it('gives ranges of inline bytes, and refuses those that have changed', async () => {
    const { store } = await openTemporaryStore({ inline_bytes_max: 100 });
    const bytes = content(100);
    const { record } = await put(store, bytes, 100);
    expect((await readAll(store.read(record, 10, 19))).equals(bytes.subarray(10, 20))).toBe(true);
    const inline = Buffer.from(bytes);
    inline[50] = ~(inline[50] ?? 0);
    expect(() => store.read({ ...record, inline }, 0, 9)).toThrow(/CRC32C/);
    expect(await store.verify({ ...record, inline })).toBe(false);
    const empty = await put(store, new Uint8Array(0), 0);
    expect(await readAll(store.read(empty.record, 0, -1))).toHaveLength(0);
    expect(await store.verify(empty.record)).toBe(true);
  });

  it('stops before the block with a flipped bit, also when the range avoids that bit', async () => {
    const { store, bytes, record, file } = await storedFile();
    const position = 2 * BLOCK_BYTES + 4_321;
    flipBit(file, position, bytes[position] ?? 0);
    const whole = await drainUntilError(store.read(record, 0, SIZE - 1));
    expect(whole.error).toMatchObject({ kind: 'corrupt', subject: 'object' });
    expect(whole.received).toBe(2 * BLOCK_BYTES);
    const part = await drainUntilError(store.read(record, 2 * BLOCK_BYTES, 2 * BLOCK_BYTES + 10));
    expect(part).toMatchObject({ received: 0, error: { kind: 'corrupt' } });
    const sound = await readAll(store.read(record, 3 * BLOCK_BYTES, SIZE - 1));
    expect(sound.equals(bytes.subarray(3 * BLOCK_BYTES))).toBe(true);
  });

  it('calls a truncated and a missing file corrupt', async () => {
    const { store, record, file } = await storedFile();
    truncateSync(file, SIZE - 1);
    expect(await drainUntilError(store.read(record, SIZE - 2, SIZE - 1))).toMatchObject({
      received: 0,
      error: { kind: 'corrupt' },
    });
    expect(await store.verify(record)).toBe(false);
    rmSync(file);
    expect(await drainUntilError(store.read(record, 0, 10))).toMatchObject({
      received: 0,
      error: { kind: 'corrupt' },
    });
    expect(await store.verify(record)).toBe(false);
  });

  it.skipIf(process.platform !== 'linux')(
    'opens nothing before the first read and closes when the reader leaves early',
    async () => {
      const { store, record, file } = await storedFile();
      const openFiles = () =>
        readdirSync('/proc/self/fd').filter((fd) => readlinkOrEmpty(join('/proc/self/fd', fd)) === file)
          .length;
      const idle = store.read(record, 0, SIZE - 1);
      expect(openFiles()).toBe(0);
      for (let round = 0; round < 50; round += 1) {
        if (idle instanceof Uint8Array) throw new TypeError('expected a stream');
        for await (const chunk of idle) {
          expect(chunk.length).toBe(BLOCK_BYTES);
          expect(openFiles()).toBe(1);
          break;
        }
        const iterator = idle[Symbol.asyncIterator]();
        await iterator.next();
        await expect(iterator.throw?.(new Error('gone'))).rejects.toThrow('gone');
      }
      expect(openFiles()).toBe(0);
    },
  );

  it('serves everyone while many readers hold chunks and do not go on', async () => {
    const { root, bytes, record } = await storedFile();
    const blocks_max = 8;
    const context = {
      ...FRAMING,
      paths: createBlobPaths(root),
      pool: createBlockPool({ blocks_max, shared: false }),
      read_ahead_blocks: 2,
      reserve_blocks: 2,
      lean_chunk_bytes: 65_536,
    };
    const stalled = Array.from({ length: 40 }, () => {
      const body = readBlob(context, record, 0, SIZE - 1);
      if (body instanceof Uint8Array) throw new TypeError('expected a stream');
      return body[Symbol.asyncIterator]();
    });
    for (const reader of stalled) expect((await reader.next()).done).toBe(false);
    expect((await readAll(readBlob(context, record, 0, SIZE - 1))).equals(bytes)).toBe(true);
    expect(context.pool.size).toBeLessThanOrEqual(blocks_max);
    for (const reader of stalled) await reader.return?.();
    expect(context.pool.tryTake(blocks_max - 1)).toBeDefined();
  });

  it('says unavailable, not corrupt, when the file cannot be opened for another reason', async () => {
    const root = temporaryFolder();
    const paths = { ...createBlobPaths(root), file: () => '\0' };
    const id = Buffer.alloc(32);
    const block_crcs = Buffer.alloc(4);
    const record: BlobRecord = { id, sha256: id, size_bytes: 5, codec: 'plain', block_crcs };
    const pool = createBlockPool({ blocks_max: LIMITS.blob_read_blocks_max, shared: false });
    const context = {
      ...FRAMING,
      paths,
      pool,
      read_ahead_blocks: 1,
      reserve_blocks: 0,
      lean_chunk_bytes: 10,
    };
    await expect(readAll(readBlob(context, record, 0, 4))).rejects.toMatchObject({ kind: 'unavailable' });
  });
});

function readlinkOrEmpty(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
