import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32c } from '@node-rs/crc32';
import { describe, expect, it } from 'vitest';
import { checksumOf } from '../../../src/wire/checksums.js';
import { reusingStreamOf } from '../../conformance/support/bytes.js';
import type { ChecksumAlgorithm } from '../../contract/index.js';
import { BLOCK_BYTES, content, digestOf, filesIn, openTemporaryStore, put } from './testing/blob-fixtures.js';

const INLINE_MAX = 1_000;
const IN_PLACE_MAX = 100_000;
const LIMITS = { inline_bytes_max: INLINE_MAX, hash_in_place_bytes_max: IN_PLACE_MAX };

const SIZES = [
  0,
  1,
  INLINE_MAX,
  INLINE_MAX + 1,
  IN_PLACE_MAX,
  IN_PLACE_MAX + 1,
  BLOCK_BYTES - 1,
  BLOCK_BYTES,
  BLOCK_BYTES + 1,
  7 * BLOCK_BYTES + 12_345,
];

function blockCrcs(bytes: Buffer): Buffer {
  const crcs = Buffer.alloc(4 * Math.ceil(bytes.length / BLOCK_BYTES));
  for (let index = 0; index * BLOCK_BYTES < bytes.length; index += 1) {
    const block = bytes.subarray(index * BLOCK_BYTES, (index + 1) * BLOCK_BYTES);
    crcs.writeUInt32BE(crc32c(block) >>> 0, 4 * index);
  }
  return crcs;
}

describe('write', () => {
  it.each(SIZES)('names, checksums and stores a body of %i bytes', async (size_bytes) => {
    const { root, store } = await openTemporaryStore(LIMITS);
    const bytes = content(size_bytes);
    for (const body of [bytes, reusingStreamOf(bytes, 60_001)]) {
      const written = await put(store, body, size_bytes);
      expect(written.md5).toEqual(digestOf('md5', bytes));
      expect(written.checksum).toEqual(checksumOf('CRC64NVME', bytes));
      expect(written.record.id).toEqual(digestOf('sha256', bytes));
      expect(written.record.size_bytes).toBe(size_bytes);
      expect(written.record.block_crcs).toEqual(blockCrcs(bytes));
      const hex = written.record.id.toString('hex');
      const file = join(root, 'blobs', hex.slice(0, 2), hex.slice(2, 4), hex);
      if (size_bytes <= INLINE_MAX) {
        expect(written.record.inline?.equals(bytes)).toBe(true);
        expect(filesIn(root)).toEqual([]);
      } else {
        expect(written.record.inline).toBeUndefined();
        expect(filesIn(root)).toEqual([file]);
        expect(readFileSync(file).equals(bytes)).toBe(true);
      }
    }
  });

  it.each<ChecksumAlgorithm>(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'])(
    'computes %s inline, in place and on workers',
    async (algorithm) => {
      const { store } = await openTemporaryStore(LIMITS);
      for (const size_bytes of [INLINE_MAX, IN_PLACE_MAX, 3 * BLOCK_BYTES + 1]) {
        const bytes = content(size_bytes, 7);
        const expected = checksumOf(algorithm, bytes);
        const value = () => expected.toString('base64');
        const written = await put(store, reusingStreamOf(bytes, 65_536), size_bytes, {
          algorithm,
          expect: {
            md5: digestOf('md5', bytes).toString('hex').toUpperCase(),
            sha256: digestOf('sha256', bytes).toString('hex'),
            checksum: { algorithm, value },
          },
        });
        expect(written.checksum).toEqual(expected);
      }
    },
  );

  it.each([INLINE_MAX, IN_PLACE_MAX, 2 * BLOCK_BYTES + 1])(
    'refuses a body of %i bytes that is not what was promised, and leaves nothing',
    async (size_bytes) => {
      const { root, store } = await openTemporaryStore(LIMITS);
      const bytes = content(size_bytes);
      const wrong = (algorithm: string) => ({
        kind: 'digest_mismatch',
        subject: 'body',
        detail: { algorithm },
      });
      const body = () => reusingStreamOf(bytes, 50_000);
      const md5 = '0'.repeat(32);
      const checksum = { algorithm: 'CRC32', value: () => 'AAAAAA==' } as const;
      await expect(put(store, body(), size_bytes - 1)).rejects.toMatchObject(wrong('size'));
      await expect(put(store, body(), size_bytes + 1)).rejects.toMatchObject(wrong('size'));
      await expect(put(store, bytes, size_bytes - 1)).rejects.toMatchObject(wrong('size'));
      await expect(put(store, body(), size_bytes, { expect: { md5 } })).rejects.toMatchObject(wrong('md5'));
      await expect(
        put(store, body(), size_bytes, { expect: { sha256: '0'.repeat(64) } }),
      ).rejects.toMatchObject(wrong('sha256'));
      await expect(
        put(store, body(), size_bytes, { algorithm: 'CRC32', expect: { checksum } }),
      ).rejects.toMatchObject(wrong('CRC32'));
      expect(filesIn(root)).toEqual([]);
    },
  );

  it('gives the same digests while its workers start as when they run', async () => {
    const { store } = await openTemporaryStore({ hash_meanwhile_bytes_max: 2 * BLOCK_BYTES });
    const bytes = content(BLOCK_BYTES + 100);
    for (let round = 0; round < 4; round += 1) {
      const { md5, record } = await put(store, bytes, bytes.length);
      expect([md5, record.sha256]).toEqual([digestOf('md5', bytes), digestOf('sha256', bytes)]);
    }
  });

  it('asks for the expected checksum only after the body has ended', async () => {
    const { store } = await openTemporaryStore(LIMITS);
    const bytes = content(2 * BLOCK_BYTES);
    let trailer: string | undefined;
    async function* body() {
      yield* reusingStreamOf(bytes, 100_000);
      trailer = checksumOf('CRC32C', bytes).toString('base64');
    }
    const checksum = { algorithm: 'CRC32C', value: () => trailer ?? 'asked too early' } as const;
    await put(store, body(), bytes.length, { algorithm: 'CRC32C', expect: { checksum } });
  });

  it('passes on what the body throws, and leaves nothing', async () => {
    const { root, store } = await openTemporaryStore(LIMITS);
    const bytes = content(3 * BLOCK_BYTES);
    const failure = new Error('connection reset');
    async function* body() {
      yield* reusingStreamOf(bytes.subarray(0, 2 * BLOCK_BYTES), 300_000);
      throw failure;
    }
    await expect(put(store, body(), bytes.length)).rejects.toBe(failure);
    expect(filesIn(root)).toEqual([]);
  });

  it('stops at the abort signal while the body is silent, and releases the body', async () => {
    const { root, store } = await openTemporaryStore(LIMITS);
    const abort = new AbortController();
    let released = false;
    const chunk = content(BLOCK_BYTES + 5);
    let sent = false;
    const body = {
      [Symbol.asyncIterator]: () => ({
        next: (): Promise<IteratorResult<Uint8Array>> => {
          if (!sent) {
            sent = true;
            return Promise.resolve({ done: false, value: chunk });
          }
          queueMicrotask(() => abort.abort(new Error('enough')));
          return new Promise(() => {});
        },
        return: async (): Promise<IteratorResult<Uint8Array>> => {
          released = true;
          return { done: true, value: undefined };
        },
      }),
    };
    await expect(put(store, body, 10 * BLOCK_BYTES, { signal: abort.signal })).rejects.toThrow('enough');
    expect(released).toBe(true);
    expect(filesIn(root)).toEqual([]);
    await expect(put(store, chunk, chunk.length, { signal: abort.signal })).rejects.toThrow('enough');
    await expect(put(store, content(5), 5, { signal: abort.signal })).rejects.toThrow('enough');
  });

  it('keeps one file of content that many write at the same time', async () => {
    const { root, store } = await openTemporaryStore(LIMITS);
    const bytes = content(BLOCK_BYTES + 99);
    const all = await Promise.all(
      Array.from({ length: 12 }, () => put(store, reusingStreamOf(bytes, 70_000), bytes.length)),
    );
    expect(new Set(all.map(({ record }) => record.id.toString('hex'))).size).toBe(1);
    expect(filesIn(root)).toHaveLength(1);
    expect(filesIn(root).map((file) => readFileSync(file).equals(bytes))).toEqual([true]);
  });

  it('empties tmp when it opens and waits for writes when it closes', async () => {
    const { root, store } = await openTemporaryStore(LIMITS);
    const bytes = content(2 * BLOCK_BYTES);
    const writing = put(store, reusingStreamOf(bytes, 100_000), bytes.length);
    await store.close();
    await expect(writing).resolves.toBeDefined();
    await expect(put(store, bytes, bytes.length)).rejects.toMatchObject({ kind: 'unavailable' });
    expect(readdirSync(join(root, 'tmp'))).toEqual([]);
  });
});
