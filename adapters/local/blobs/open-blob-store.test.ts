import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../../config/limits.js';
import { reusingStreamOf } from '../../conformance/support/bytes.js';
import { openBlobStore } from './open-blob-store.js';
import { createBlobPaths } from './paths.js';
import {
  BLOCK_BYTES,
  content,
  filesIn,
  openTemporaryStore,
  put,
  temporaryFolder,
} from './testing/blob-fixtures.js';

const always = async () => true;
const FILES_ONLY = { inline_bytes_max: 0 };

describe('remove', () => {
  it('removes a file that is still unreferenced, once', async () => {
    const { root, store } = await openTemporaryStore(FILES_ONLY);
    const { record } = await put(store, content(10), 10);
    expect(await store.remove(record.id, async () => false)).toBe(false);
    expect(filesIn(root)).toHaveLength(1);
    expect(await store.remove(record.id, always)).toBe(true);
    expect(filesIn(root)).toEqual([]);
    expect(await store.remove(record.id, always)).toBe(true);
  });

  it('waits for a writer of the same content until its index commit', async () => {
    const { root, store } = await openTemporaryStore(FILES_ONLY);
    const bytes = content(2 * BLOCK_BYTES);
    await put(store, bytes, bytes.length);
    const second = await store.write({ body: bytes, size_bytes: bytes.length, algorithm: 'CRC32' });
    let referenced = false;
    const removing = store.remove(second.record.id, async () => !referenced);
    referenced = true;
    second.release();
    expect(await removing).toBe(false);
    expect(filesIn(root)).toHaveLength(1);
  });

  it('never takes away what a writer is about to commit', async () => {
    const { root, store } = await openTemporaryStore(FILES_ONLY);
    const bytes = content(5_000);
    const path = createBlobPaths(root);
    let references = 0;
    for (let round = 0; round < 40; round += 1) {
      const writing = store.write({ body: bytes, size_bytes: bytes.length, algorithm: 'CRC32' });
      const removing = Array.from({ length: 3 }, async () => {
        const { record } = await put(store, bytes, bytes.length);
        return store.remove(record.id, async () => references === 0);
      });
      const { record, release } = await writing;
      references += 1;
      release();
      await Promise.all(removing);
      expect(readFileSync(path.file(record.id.toString('hex'))).equals(bytes)).toBe(true);
      references -= 1;
      await store.remove(record.id, async () => references === 0);
    }
    expect(filesIn(root)).toEqual([]);
  });
});

describe('verify and quarantine', () => {
  it('finds a changed byte in any block, moves the file aside and lets the content be stored again', async () => {
    const { root, store } = await openTemporaryStore(FILES_ONLY);
    const bytes = content(3 * BLOCK_BYTES + 10);
    const { record } = await put(store, bytes, bytes.length);
    const file = createBlobPaths(root).file(record.id.toString('hex'));
    expect(await store.verify(record)).toBe(true);
    expect(await store.quarantine(record)).toBe(false);
    const changed = Buffer.from(bytes);
    changed[bytes.length - 1] = ~(bytes.at(-1) ?? 0);
    for (const wrong of [changed, Buffer.concat([bytes, Buffer.of(0)]), bytes.subarray(1)]) {
      writeFileSync(file, wrong);
      expect(await store.verify(record)).toBe(false);
    }
    expect(await store.quarantine(record)).toBe(true);
    expect(readdirSync(join(root, 'quarantine'))).toHaveLength(1);
    expect(await store.quarantine(record)).toBe(false);
    await put(store, bytes, bytes.length);
    expect(await store.verify(record)).toBe(true);
  });

  it('heals a rotten file when the same content is stored again', async () => {
    const { root, store } = await openTemporaryStore(FILES_ONLY);
    const bytes = content(1_000);
    const { record } = await put(store, bytes, bytes.length);
    writeFileSync(createBlobPaths(root).file(record.id.toString('hex')), content(1_000, 2));
    await put(store, bytes, bytes.length);
    expect(await store.verify(record)).toBe(true);
  });

  it('compares the whole SHA-256 too', async () => {
    const { root, store } = await openTemporaryStore(FILES_ONLY);
    const bytes = content(1_000);
    const { record } = await put(store, bytes, bytes.length);
    const other = await put(store, content(1_000, 2), 1_000);
    const file = createBlobPaths(root).file(record.id.toString('hex'));
    writeFileSync(file, content(1_000, 2));
    expect(await store.verify({ ...record, block_crcs: other.record.block_crcs })).toBe(false);
  });

  it('stops verifying at the abort signal', async () => {
    const { store } = await openTemporaryStore(FILES_ONLY);
    const bytes = content(8 * BLOCK_BYTES);
    const { record } = await put(store, bytes, bytes.length);
    const abort = new AbortController();
    const verifying = store.verify(record, abort.signal);
    abort.abort(new Error('shutting down'));
    await expect(verifying).rejects.toThrow('shutting down');
    expect(await store.verify(record)).toBe(true);
  });
});

describe('listFiles', () => {
  it('walks all blobs in ascending order, in slices', async () => {
    const { root, store } = await openTemporaryStore(FILES_ONLY);
    const written = await Promise.all(
      Array.from({ length: 60 }, (_, seed) => put(store, content(100, seed), 100)),
    );
    const expected = written.map(({ record }) => record.id.toString('hex')).sort();
    const [first = ''] = expected;
    // Two in one folder, and names that are not blobs.
    const twin = `${first.slice(0, 4)}${'f'.repeat(60)}`;
    const paths = createBlobPaths(root);
    writeFileSync(paths.file(twin), '');
    writeFileSync(join(dirname(paths.file(first)), 'notes.txt'), '');
    mkdirSync(join(paths.blobs, 'lost+found'));
    expected.push(twin);
    expected.sort();
    for (const limit of [1, 7, 60, 61, 1_000]) {
      const found: string[] = [];
      let after: Buffer | null = null;
      do {
        const slice: { ids: Buffer[]; next: Buffer | null } = await store.listFiles(after, limit);
        expect(slice.ids.length).toBeLessThanOrEqual(limit);
        found.push(...slice.ids.map((id) => id.toString('hex')));
        after = slice.next;
      } while (after !== null);
      expect(found).toEqual(expected);
    }
  });

  it('ends a slice after many empty folders', async () => {
    const { root, store } = await openTemporaryStore();
    for (let leaf = 0; leaf < 300; leaf += 1) {
      const hex = leaf.toString(16).padStart(4, '0');
      mkdirSync(join(root, 'blobs', hex.slice(0, 2), hex.slice(2)), { recursive: true });
    }
    const slice = await store.listFiles(null, 10);
    expect(slice.ids).toEqual([]);
    expect(slice.next).not.toBeNull();
    expect(await store.listFiles(slice.next, 10)).toEqual({ ids: [], next: null });
  });
});

describe('the store', () => {
  it('keeps blobs and empties tmp when it is opened again', async () => {
    const root = temporaryFolder();
    const before = await openBlobStore({ root, ...FILES_ONLY });
    const { record } = await put(before, content(100), 100);
    await before.close();
    writeFileSync(join(root, 'tmp', 'left-over'), 'half');
    const after = await openBlobStore({ root, ...FILES_ONLY });
    expect(readdirSync(join(root, 'tmp'))).toEqual([]);
    expect(await after.verify(record)).toBe(true);
    await after.close();
  });

  it('holds many large uploads and downloads in bounded memory', async () => {
    const { store } = await openTemporaryStore(FILES_ONLY);
    const size_bytes = 32 * 1024 ** 2;
    const chunk = content(65_536);
    async function* body(seed: number) {
      const own = Buffer.from(chunk);
      for (let sent = 0; sent < size_bytes; sent += own.length) {
        own.writeUInt32BE(seed * 1_000 + sent / own.length, 0);
        yield own;
        if (sent % (16 * own.length) === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    }
    await put(store, body(99), size_bytes);
    const before = process.memoryUsage().rss;
    let peak = before;
    const sampling = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().rss);
    }, 5);
    const written = await Promise.all(
      Array.from({ length: 8 }, (_, seed) => put(store, body(seed), size_bytes)),
    );
    await Promise.all(
      written.map(async ({ record }) => {
        const read = store.read(record, 0, size_bytes - 1);
        if (read instanceof Uint8Array) throw new TypeError('expected a stream');
        for await (const bytes of read) expect(bytes.length).toBeGreaterThan(0);
      }),
    );
    clearInterval(sampling);
    expect(peak - before).toBeLessThan(96 * 1024 ** 2);
  });

  it('lets fast uploads pass slow ones that hold every block', async () => {
    const { store } = await openTemporaryStore({ inline_bytes_max: 0, hash_in_place_bytes_max: 0 });
    const bytes = content(BLOCK_BYTES + 1);
    let resume = () => {};
    const resumed = new Promise<void>((resolve) => {
      resume = resolve;
    });
    async function* slow(seed: number) {
      const own = Buffer.from(bytes);
      own.writeUInt32BE(seed, 0);
      yield own.subarray(0, 70_000);
      await resumed;
      yield own.subarray(70_000);
    }
    const slowWrites = Array.from({ length: LIMITS.blob_write_blocks_max + 10 }, (_, seed) =>
      put(store, slow(seed + 1), bytes.length),
    );
    for (let round = 0; round < 5; round += 1) await put(store, reusingStreamOf(bytes, 65_536), bytes.length);
    resume();
    for (const [seed, { record }] of (await Promise.all(slowWrites)).entries()) {
      if (seed % 20 === 0) expect(await store.verify(record)).toBe(true);
    }
  });
});
