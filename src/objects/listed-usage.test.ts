import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { checked } from '../../adapters/checked.js';
import { type Adapter, StoreError } from '../../adapters/contract/index.js';
import { forwarding } from '../../adapters/forwarding.js';
import { openLocalAdapter } from '../../adapters/local/open-local-adapter.js';
import { LIMITS } from '../../config/limits.js';
import { createListedUsage, type ListedUsage } from './listed-usage.js';
import { createObjectStore } from './store.js';

let folder: string;
let disk: Adapter;
let listed: ListedUsage;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'listed-usage-'));
  disk = await openLocalAdapter({ name: 'disk', path: folder });
  await disk.createBucket({ bucket: 'b', owner: 'me' });
  listed = createListedUsage();
});
afterEach(async () => {
  vi.restoreAllMocks();
  listed.close();
  await disk.close();
  await rm(folder, { recursive: true });
});

const put = (store: Adapter, key: string, size_bytes: number, bucket = 'b') =>
  store.putObject({ bucket, key, body: new Uint8Array(size_bytes), size_bytes });

/** As an upstream is: it lists in pages and does not count. */
const uncounted = (adapter: Adapter, list_limit_max: number, change: Partial<Adapter> = {}): Adapter =>
  checked({
    ...forwarding(adapter),
    capabilities: { ...adapter.capabilities, usage: false, list_limit_max },
    ...change,
  });
const upstream = (list_limit_max = 1_000, change: Partial<Adapter> = {}) =>
  uncounted(disk, list_limit_max, change);

const sums = async (home: Adapter) => {
  const { objects_count, objects_bytes } = await listed.of(home, 'b');
  return [objects_count, objects_bytes];
};

describe('a count by listing', () => {
  it('is exact at once for a bucket of one page', async () => {
    const home = upstream();
    expect(await listed.of(home, 'b')).toMatchObject({ objects_count: 0, stored_bytes: 0 });
    for (let n = 1; n <= 3; n++) {
      await put(disk, `k${n}`, 10);
      expect(await sums(home)).toEqual([n, 10 * n]);
    }
    await disk.deleteObject({ bucket: 'b', key: 'k1' });
    expect(await Promise.all([sums(home), sums(home), sums(home)])).toEqual([
      [2, 20],
      [2, 20],
      [2, 20],
    ]);
    expect((await listed.of(home, 'b')).counted_at_ms).toBeGreaterThan(0);
  });

  it('of more pages is kept for a while, then made anew behind the answer', async () => {
    const home = upstream(3);
    for (let n = 0; n < 8; n++) await put(disk, `k${n}`, 10);
    await vi.waitFor(async () => expect(await sums(home)).toEqual([8, 80]));
    await put(disk, 'more', 10);
    expect(await sums(home)).toEqual([8, 80]);
    const later = Date.now() + LIMITS.usage_count_kept_ms + 1;
    vi.spyOn(Date, 'now').mockReturnValue(later);
    await sums(home);
    await vi.waitFor(async () => expect(await sums(home)).toEqual([9, 90]));
  });

  it('never fails and never waits long, and tells when it was made', async () => {
    await put(disk, 'k', 10);
    const down = upstream(1_000, {
      listObjects: async () => {
        throw new StoreError('unavailable', 'down');
      },
    });
    const silent = upstream(1_000, { listObjects: () => new Promise<never>(() => undefined) });
    for (const home of [down, silent]) {
      listed = createListedUsage();
      expect(await listed.of(home, 'b')).toMatchObject({ objects_count: 0, counted_at_ms: null });
    }
    listed = createListedUsage();
    const { counted_at_ms } = await listed.of(upstream(), 'b');
    expect(await listed.of(down, 'b')).toMatchObject({ objects_count: 1, counted_at_ms });
  });
});

describe('the object store over a home that does not count', () => {
  let far: Adapter;
  beforeEach(async () => {
    far = await openLocalAdapter({ name: 'far', path: join(folder, 'far') });
  });
  afterEach(() => far.close());

  const open = async (makeRoom: () => Promise<unknown> = async () => undefined) => {
    const store = createObjectStore({
      mounts: [
        { pattern: 'near-*', adapter: disk },
        { pattern: '*', adapter: uncounted(far, 1_000) },
      ],
      quota_bytes: 100,
      makeRoom,
      permanent_buckets: ['shards'],
    });
    for (const bucket of ['near-b', 'shards', 'other']) await store.createBucket({ bucket, owner: 'me' });
    return store;
  };

  it('counts what lies on the disk, and the shards wherever they lie', async () => {
    const store = await open();
    await put(store, 'k', 30, 'near-b');
    await put(store, 'shard', 500, 'shards');
    await put(store, 'k', 7_000, 'other');
    const of = async (bucket: string) => (await store.usage({ bucket })).stored_bytes;
    expect([await of('near-b'), await of('shards'), await of('other')]).toEqual([30, 500, 7_000]);
    expect(await store.usage({ bucket: 'near-b' })).not.toHaveProperty('counted_at_ms');
    expect(await store.usage({})).toEqual({
      objects_count: 2,
      objects_bytes: 530,
      versions_count: 2,
      stored_bytes: 530,
    });
  });

  it('bounds neither it by the quota nor the disk by it, and removes no shards for room elsewhere', async () => {
    let asked = 0;
    const store = await open(async () => asked++);
    await put(store, 'shard', 5_000, 'shards');
    await put(store, 'large', 90, 'near-b');
    await put(store, 'fits', 10, 'near-b');
    await expect(put(store, 'more', 1, 'near-b')).rejects.toMatchObject({ kind: 'no_space' });
    await put(store, 'shard 2', 5_000, 'shards');
    expect(asked).toBe(0);
  });
});
