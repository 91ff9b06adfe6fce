import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { crc32c } from '@node-rs/crc32';
import { describe, expect, it } from 'vitest';
import { readAll, reusingStreamOf } from '../../conformance/support/bytes.js';
import { createLimiter } from '../../limiter.js';
import type { BlobProtection, BlobRecord } from './blob-store.js';
import { createBlockPool } from './block-pool.js';
import { createDataKeys } from './data-keys.js';
import { tableLength } from './frame-table.js';
import { createPacker } from './packing.js';
import { createBlobPaths } from './paths.js';
import { readBlob } from './read-blob.js';
import { BLOCK_BYTES, digestOf, filesIn, openTemporaryStore, put } from './testing/blob-fixtures.js';

const KEY = randomBytes(32);
const KEYS = createDataKeys({ key: KEY });
const FILES_ONLY = { inline_bytes_max: 0, hash_in_place_bytes_max: 8 * BLOCK_BYTES, keys: KEYS };
const SEALED: BlobProtection = { encrypt: true, compress: false };
const BOTH: BlobProtection = { encrypt: true, compress: true };
const PACKED: BlobProtection = { encrypt: false, compress: true };

const LINES = Array.from(
  { length: 2_000 },
  (_, line) => `${line * 7919} knows more than ${line % 97}\n`,
).join('');
const SIZE = 3 * BLOCK_BYTES + 4_321;

const text = (size_bytes: number) => Buffer.alloc(size_bytes, LINES);
/** Text, then bytes that do not shrink, then text. */
function mixed(): Buffer {
  const bytes = text(SIZE);
  randomBytes(BLOCK_BYTES).copy(bytes, BLOCK_BYTES);
  return bytes;
}

async function stored(bytes: Buffer, protection: BlobProtection) {
  const opened = await openTemporaryStore(FILES_ONLY);
  const { record } = await put(opened.store, reusingStreamOf(bytes, 70_001), bytes.length, { protection });
  return { ...opened, bytes, record, file: createBlobPaths(opened.root).file(record.id.toString('hex')) };
}

const RANGES: readonly (readonly [number, number])[] = [
  [0, SIZE - 1],
  [0, 0],
  [SIZE - 1, SIZE - 1],
  [BLOCK_BYTES - 1, BLOCK_BYTES],
  [BLOCK_BYTES + 77, 3 * BLOCK_BYTES + 5],
];

describe.each([
  ['encrypted', SEALED, 'sealed'],
  ['compressed', PACKED, 'packed'],
  ['encrypted and compressed', BOTH, 'sealed'],
] as const)('%s content', (_title, protection, codec) => {
  it('comes back in any range, and as a whole', async () => {
    const { store, bytes, record } = await stored(mixed(), protection);
    expect(record).toMatchObject({ codec, size_bytes: SIZE, sha256: digestOf('sha256', bytes) });
    for (const [start, end] of RANGES) {
      expect((await readAll(store.read(record, start, end))).equals(bytes.subarray(start, end + 1))).toBe(
        true,
      );
    }
    expect(await store.verify(record)).toBe(true);
  });

  it('comes back to many readers who share one block', async () => {
    const { root, bytes, record } = await stored(mixed(), protection);
    const context = {
      paths: createBlobPaths(root),
      packer: createPacker(createLimiter(1)),
      keys: KEYS,
      pool: createBlockPool({ blocks_max: 1, shared: false }),
      read_ahead_blocks: 3,
      reserve_blocks: 1,
      lean_chunk_bytes: 200_000,
    };
    const bodies = [1, 2, 3].map(() => readAll(readBlob(context, record, 5, SIZE - 1)));
    for (const read of await Promise.all(bodies)) expect(read.equals(bytes.subarray(5))).toBe(true);
  });

  it('is refused when a bit has flipped, in the table or in a frame', async () => {
    const { store, record, file } = await stored(mixed(), protection);
    const whole = readFileSync(file);
    for (const position of [3, 40, tableLength(SIZE, codec === 'sealed') + 9, whole.length - 1]) {
      const changed = Buffer.from(whole);
      changed[position] = (changed[position] ?? 0) ^ 1;
      writeFileSync(file, changed);
      expect(await store.verify(record)).toBe(false);
      await expect(readAll(store.read(record, 0, SIZE - 1))).rejects.toMatchObject({ kind: 'corrupt' });
    }
    writeFileSync(file, whole);
    expect(await store.verify(record)).toBe(true);
  });

  it('is refused when the file is too short, too long or gone', async () => {
    const { store, record, file } = await stored(mixed(), protection);
    const whole = readFileSync(file);
    writeFileSync(file, Buffer.concat([whole, Buffer.of(0)]));
    expect(await store.verify(record)).toBe(false);
    for (const length of [whole.length - 1, tableLength(SIZE, codec === 'sealed'), 20, 0]) {
      truncateSync(file, length);
      expect(await store.verify(record)).toBe(false);
      await expect(readAll(store.read(record, 0, SIZE - 1))).rejects.toMatchObject({ kind: 'corrupt' });
    }
    rmSync(file);
    expect(await store.verify(record)).toBe(false);
  });

  it('may be stored many times at once, and lies in one file', async () => {
    const { root, store, bytes, record } = await stored(mixed(), protection);
    const again = await Promise.all(
      Array.from({ length: 4 }, () => put(store, reusingStreamOf(bytes, 200_000), SIZE, { protection })),
    );
    for (const each of again) expect(each.record.id).toEqual(record.id);
    expect(filesIn(root)).toHaveLength(1);
    // The record of the first writer reads the file of the last one.
    expect((await readAll(store.read(record, 0, SIZE - 1))).equals(bytes)).toBe(true);
  });

  it('may be small and lie in the index', async () => {
    const { store } = await openTemporaryStore({ keys: KEYS });
    for (const size_bytes of [1, 300, 4_096, 30_000, 64 * 1024]) {
      const bytes = text(size_bytes);
      const { record } = await put(store, bytes, size_bytes, { protection });
      expect(record.inline).toBeDefined();
      expect((await readAll(store.read(record, 0, size_bytes - 1))).equals(bytes)).toBe(true);
      expect(await readAll(store.read(record, size_bytes - 1, size_bytes - 1))).toEqual(bytes.subarray(-1));
      expect(await store.verify(record)).toBe(true);
      const inline = Buffer.from(record.inline ?? '');
      inline[inline.length - 1] = (inline.at(-1) ?? 0) ^ 1;
      expect(await store.verify({ ...record, inline })).toBe(false);
    }
    const empty = await put(store, Buffer.alloc(0), 0, { protection });
    expect(empty.record).toMatchObject({ codec: 'plain', block_crcs: Buffer.alloc(0) });
  });
});

/** Exchanges what the table says of two frames of the same stored length, and the frames, and makes the table whole again. */
function swapFrames(file: string, a: number, b: number): void {
  const bytes = readFileSync(file);
  const entry = (index: number) => 51 + 24 * index;
  const table_end = tableLength(SIZE, true);
  for (const [first, second, length] of [
    [entry(a), entry(b), 24],
    [table_end + a * BLOCK_BYTES, table_end + b * BLOCK_BYTES, BLOCK_BYTES],
  ] as const) {
    const kept = Buffer.from(bytes.subarray(first, first + length));
    bytes.copy(bytes, first, second, second + length);
    kept.copy(bytes, second);
  }
  bytes.writeUInt32BE(crc32c(bytes.subarray(0, table_end - 4)) >>> 0, table_end - 4);
  writeFileSync(file, bytes);
}

describe('encryption', () => {
  it('notices frames that changed places, though all their checksums are right', async () => {
    const { store, record, file } = await stored(mixed(), SEALED);
    swapFrames(file, 0, 2);
    await expect(readAll(store.read(record, 0, 10))).rejects.toThrow(/not the one that was encrypted/);
    expect(await store.verify(record)).toBe(false);
    swapFrames(file, 0, 2);
    expect(await store.verify(record)).toBe(true);
  });

  it('notices that frames come from another blob of the same size', async () => {
    const { store, record, root, file } = await stored(mixed(), SEALED);
    const other = await put(store, text(SIZE), SIZE, { protection: SEALED });
    const foreign = readFileSync(createBlobPaths(root).file(other.record.id.toString('hex')));
    writeFileSync(file, foreign);
    // A file of our own, whole in itself: only the digest of the content tells.
    expect(await store.verify(record)).toBe(false);
  });

  it('leaves neither the content nor its digest in the folder', async () => {
    const bytes = text(SIZE);
    for (const protection of [SEALED, BOTH]) {
      const { root, record } = await stored(bytes, protection);
      expect(record.id).not.toEqual(record.sha256);
      for (const file of filesIn(root)) {
        expect(file).not.toContain(record.sha256.toString('hex'));
        expect(readFileSync(file).includes(LINES.slice(0, 12))).toBe(false);
      }
    }
  });

  it('gives the same content other bytes each time', async () => {
    const { store } = await openTemporaryStore({ keys: KEYS });
    const [first, second] = await Promise.all(
      [1, 2].map(() => put(store, text(4_096), 4_096, { protection: SEALED })),
    );
    expect(first?.record.inline?.equals(second?.record.inline ?? Buffer.alloc(0))).toBe(false);
  });

  it('keeps apart what is encrypted and what is not', async () => {
    const { root, store, bytes } = await stored(text(SIZE), SEALED);
    const plain = await put(store, bytes, SIZE);
    const packed = await put(store, bytes, SIZE, { protection: PACKED });
    expect(filesIn(root)).toHaveLength(3);
    for (const { record } of [plain, packed]) {
      expect((await readAll(store.read(record, 0, SIZE - 1))).equals(bytes)).toBe(true);
    }
  });

  it('reads what an earlier key encrypted, and says unavailable without it', async () => {
    const { root, record, bytes } = await stored(text(SIZE), BOTH);
    const key = randomBytes(32);
    const context = (keys: typeof KEYS) => ({
      paths: createBlobPaths(root),
      packer: createPacker(createLimiter(1)),
      keys,
      pool: createBlockPool({ blocks_max: 8, shared: false }),
      read_ahead_blocks: 2,
      reserve_blocks: 0,
      lean_chunk_bytes: 65_536,
    });
    const read = (keys: typeof KEYS) => readAll(readBlob(context(keys), record, 0, SIZE - 1));
    const unknown = read(createDataKeys({ key }));
    await expect(unknown).rejects.toMatchObject({ kind: 'unavailable', subject: 'adapter' });
    expect((await read(createDataKeys({ key, old_keys: [KEY] }))).equals(bytes)).toBe(true);
  });

  it('is refused where no key was given', async () => {
    const { root, store } = await openTemporaryStore({ inline_bytes_max: 10 });
    for (const size_bytes of [10, 20]) {
      const writing = put(store, text(size_bytes), size_bytes, { protection: SEALED });
      await expect(writing).rejects.toMatchObject({ kind: 'unavailable' });
    }
    expect(filesIn(root)).toEqual([]);
  });
});

describe('compression', () => {
  const sizeOf = ({ file }: { file: string }) => statSync(file).size;

  it('shrinks text, and leaves alone what does not shrink', async () => {
    expect(sizeOf(await stored(text(SIZE), PACKED))).toBeLessThan(SIZE / 3);
    expect(sizeOf(await stored(text(SIZE), BOTH))).toBeLessThan(SIZE / 3);
    const random = await stored(randomBytes(SIZE), PACKED);
    expect(random.record.codec).toBe('plain');
    expect(readFileSync(random.file).equals(random.bytes)).toBe(true);
    expect(sizeOf(await stored(randomBytes(SIZE), BOTH))).toBe(SIZE + tableLength(SIZE, true));
  });

  it('keeps single frames as they are', async () => {
    const { bytes, ...blob } = await stored(mixed(), PACKED);
    expect(sizeOf(blob)).toBeGreaterThan(BLOCK_BYTES);
    expect(readFileSync(blob.file).includes(bytes.subarray(BLOCK_BYTES, 2 * BLOCK_BYTES))).toBe(true);
  });

  it('shrinks small contents, and leaves alone those that would not', async () => {
    const { store } = await openTemporaryStore({ keys: KEYS });
    const inline = async (bytes: Buffer, protection: BlobProtection): Promise<BlobRecord> =>
      (await put(store, bytes, bytes.length, { protection })).record;
    expect((await inline(text(4_096), PACKED)).inline?.length).toBeLessThan(2_000);
    expect((await inline(text(4_096), BOTH)).inline?.length).toBeLessThan(2_000);
    const random = await inline(randomBytes(4_096), PACKED);
    expect(random.codec).toBe('plain');
    expect((await inline(text(100), PACKED)).codec).toBe('plain');
  });
});

describe('a sender who stops in the middle of a block', () => {
  it('lets others go on, and its content comes back whole', async () => {
    const { root, store } = await openTemporaryStore({ ...FILES_ONLY, hash_in_place_bytes_max: SIZE });
    const bytes = text(SIZE);
    const senders = Array.from({ length: 70 }, (_, sender) => {
      let go: () => void = () => {};
      const asked = new Promise<void>((resolve) => {
        go = resolve;
      });
      async function* body() {
        yield bytes.subarray(0, 100_000 + sender);
        await asked;
        yield bytes.subarray(100_000 + sender);
      }
      return { go, writing: put(store, body(), SIZE, { protection: BOTH }) };
    });
    // More senders than there are blocks: the last ones get theirs from those who stopped.
    const last = await put(store, reusingStreamOf(bytes, 100_000), SIZE, { protection: SEALED });
    for (const { go } of senders) go();
    const records = await Promise.all(senders.map(({ writing }) => writing));
    for (const { record } of [last, ...records.slice(0, 1)]) {
      expect((await readAll(store.read(record, 0, SIZE - 1))).equals(bytes)).toBe(true);
    }
    expect(filesIn(root)).toHaveLength(1);
  });
});
