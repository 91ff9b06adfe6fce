import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checked } from '../../adapters/checked.js';
import {
  type Adapter,
  type Body,
  type ChecksumRequest,
  isStoreError,
} from '../../adapters/contract/index.js';
import { openLocalAdapter } from '../../adapters/local/open-local-adapter.js';
import { createObjectStore, type ObjectStoreOptions } from './store.js';

let folder: string;
let near: Adapter;
let far: Adapter;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'objects-'));
  near = await openLocalAdapter({ name: 'near', path: join(folder, 'near') });
  far = await openLocalAdapter({ name: 'far', path: join(folder, 'far') });
});
afterEach(async () => {
  await near.close();
  await far.close();
  await rm(folder, { recursive: true });
});

const open = (options: Partial<ObjectStoreOptions> = {}) =>
  createObjectStore({
    mounts: [
      { pattern: 'far-*', adapter: far },
      { pattern: '*', adapter: near },
    ],
    quota_bytes: Number.POSITIVE_INFINITY,
    ...options,
  });

const put = (store: Adapter, bucket: string, key: string, size_bytes: number, body?: Body) =>
  store.putObject({ bucket, key, size_bytes, body: body ?? new Uint8Array(size_bytes) });

async function kindOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'done';
  } catch (error) {
    return isStoreError(error) ? error.kind : String(error);
  }
}

async function bytesOf(body: Body): Promise<string> {
  if (body instanceof Uint8Array) return Buffer.from(body).toString();
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

describe('buckets over mounts', () => {
  it('land in their home and are listed as one', async () => {
    const store = open();
    for (const bucket of ['zebra', 'far-b', 'apple', 'far-a', 'mango']) {
      await store.createBucket({ bucket, owner: bucket.startsWith('z') ? 'zed' : 'me' });
    }
    // Made behind the store's back, in an adapter that is not its home.
    await far.createBucket({ bucket: 'orphan', owner: 'me' });
    const names = async (input: Parameters<Adapter['listBuckets']>[0]) => {
      const { buckets, next } = await store.listBuckets(input);
      return [buckets.map(({ name }) => name), next];
    };
    expect(await names({ limit: 10 })).toEqual([['apple', 'far-a', 'far-b', 'mango', 'zebra'], null]);
    expect(await names({ limit: 2 })).toEqual([['apple', 'far-a'], 'far-a']);
    expect(await names({ limit: 2, after: 'far-a' })).toEqual([['far-b', 'mango'], 'mango']);
    expect(await names({ limit: 2, after: 'mango' })).toEqual([['zebra'], null]);
    expect(await names({ limit: 10, prefix: 'far-' })).toEqual([['far-a', 'far-b'], null]);
    expect(await names({ limit: 10, owner: 'zed' })).toEqual([['zebra'], null]);
    expect((await far.headBucket({ bucket: 'far-a' })).name).toBe('far-a');
    expect(await kindOf(store.headBucket({ bucket: 'orphan' }))).toBe('not_found');
  });

  it('may not begin with a dot, and permanent ones stay', async () => {
    const store = open({ permanent_buckets: ['shards'] });
    expect(await kindOf(store.createBucket({ bucket: '.hidden', owner: 'me' }))).toBe('invalid');
    expect(await kindOf(put(store, '.hidden', 'k', 1))).toBe('not_found');
    await near.createBucket({ bucket: '.hidden', owner: 'me' });
    expect(await kindOf(store.headBucket({ bucket: '.hidden' }))).toBe('not_found');
    expect((await store.listBuckets({ limit: 10 })).buckets).toEqual([]);
    await store.createBucket({ bucket: 'shards', owner: 'me' });
    expect(await kindOf(store.deleteBucket({ bucket: 'shards' }))).toBe('access_denied');
  });
});

describe('copies between mounts', () => {
  it('stream the bytes and carry what belongs to the object', async () => {
    const store = open();
    await store.createBucket({ bucket: 'here', owner: 'me' });
    await store.createBucket({ bucket: 'far-away', owner: 'me' });
    await store.putObject({
      bucket: 'here',
      key: 'k',
      body: Buffer.from('content'),
      size_bytes: 7,
      attributes: {
        headers: { content_type: 'text/plain' },
        metadata: { a: 'b' },
        tags: { t: '1' },
        owner: 'me',
      },
    });
    const copy = (replace: boolean) =>
      store.copyObject({
        source: { bucket: 'here', key: 'k' },
        bucket: 'far-away',
        key: 'copy',
        replace_attributes: replace,
        replace_tags: replace,
        attributes: { owner: 'you', metadata: { c: 'd' }, tags: { t: '2' } },
      });
    const kept = await copy(false);
    expect(kept.info).toMatchObject({
      metadata: { a: 'b' },
      headers: { content_type: 'text/plain' },
      owner: 'you',
    });
    expect((await far.getTags({ bucket: 'far-away', key: 'copy' })).tags).toEqual({ t: '1' });
    const { body } = await far.getObject({ bucket: 'far-away', key: 'copy' });
    expect(await bytesOf(body)).toBe('content');
    const replaced = await copy(true);
    expect(replaced.info).toMatchObject({ metadata: { c: 'd' }, headers: {} });
    expect((await far.getTags({ bucket: 'far-away', key: 'copy' })).tags).toEqual({ t: '2' });
  });
});

describe('copies to where checksums are not kept', () => {
  const copy = (store: Adapter, key: string, checksum_algorithm?: 'CRC32') =>
    store.copyObject({
      source: { bucket: 'here', key: 'k' },
      bucket: 'far-away',
      key,
      replace_attributes: false,
      replace_tags: false,
      ...(checksum_algorithm && { checksum_algorithm }),
    });

  it('have the bytes of a source that has one; only who asks for one is refused', async () => {
    let promised: ChecksumRequest | undefined;
    const bare: Adapter = {
      ...far,
      capabilities: { ...far.capabilities, checksums: [] },
      putObject: async (input) => {
        promised = input.expect?.checksum;
        return far.putObject(input);
      },
    };
    const mounts = [
      { pattern: 'far-*', adapter: checked(bare) },
      { pattern: '*', adapter: near },
    ];
    const store = open({ mounts });
    await store.createBucket({ bucket: 'here', owner: 'me' });
    await store.createBucket({ bucket: 'far-away', owner: 'me' });
    const { checksum } = await put(store, 'here', 'k', 7, Buffer.from('content'));
    await copy(store, 'copy');
    expect(promised?.algorithm).toBe(checksum?.algorithm);
    expect(promised?.value?.()).toBe(checksum?.value);
    const { body } = await far.getObject({ bucket: 'far-away', key: 'copy' });
    expect(await bytesOf(body)).toBe('content');
    expect(await kindOf(copy(store, 'asked', 'CRC32'))).toBe('unsupported');
    expect(await kindOf(far.headObject({ bucket: 'far-away', key: 'asked' }))).toBe('not_found');
  });
});

describe('the quota', () => {
  const full = async (options: Partial<ObjectStoreOptions> = {}) => {
    const store = open({ quota_bytes: 1_000, ...options });
    await store.createBucket({ bucket: 'b', owner: 'me' });
    await put(store, 'b', 'old', 900);
    return store;
  };

  it('refuses before the body is read', async () => {
    const store = await full();
    let read = false;
    const body = (async function* () {
      read = true;
      yield new Uint8Array(200);
    })();
    expect(await kindOf(put(store, 'b', 'new', 200, body))).toBe('no_space');
    expect(read).toBe(false);
  });

  it('admits exactly what fits, however many come at once', async () => {
    const store = open({ quota_bytes: 1_000 });
    await store.createBucket({ bucket: 'b', owner: 'me' });
    const kinds = await Promise.all(
      Array.from({ length: 30 }, (_, index) => kindOf(put(store, 'b', `k${index}`, 100))),
    );
    expect(kinds.filter((kind) => kind === 'done')).toHaveLength(10);
    expect(kinds.filter((kind) => kind === 'no_space')).toHaveLength(20);
    expect((await store.usage({})).stored_bytes).toBe(1_000);
  });

  it('gives room back when a write fails, and when something is deleted', async () => {
    const store = await full();
    const short = put(store, 'b', 'short', 100, new Uint8Array(50));
    expect(await kindOf(short)).toBe('digest_mismatch');
    expect(await kindOf(put(store, 'b', 'k', 100))).toBe('done');
    await store.deleteObject({ bucket: 'b', key: 'old' });
    expect(await kindOf(put(store, 'b', 'k2', 900))).toBe('done');
    expect(await kindOf(put(store, 'b', 'k3', 1))).toBe('no_space');
  });

  it('counts a replacement for what it adds, not where old versions are kept', async () => {
    const store = await full();
    expect(await kindOf(put(store, 'b', 'old', 1_000))).toBe('done');
    expect(await kindOf(put(store, 'b', 'old', 1_001))).toBe('no_space');
    await store.putVersioning({ bucket: 'b', versioning: 'enabled' });
    expect(await kindOf(put(store, 'b', 'old', 1))).toBe('no_space');
  });

  it('asks for room first', async () => {
    const asked: number[] = [];
    const store = await full({
      makeRoom: async (bytes) => {
        asked.push(bytes);
        await near.deleteObject({ bucket: 'b', key: 'old' });
      },
    });
    expect(await kindOf(put(store, 'b', 'new', 300))).toBe('done');
    expect(asked).toEqual([200]);
    expect(await kindOf(put(store, 'b', 'huge', 1_001))).toBe('no_space');
    expect(asked).toEqual([200]);
  });

  it('does not count mounts that lie elsewhere', async () => {
    const store = open({
      quota_bytes: 10,
      mounts: [
        { pattern: 'far-*', adapter: far, counts: false },
        { pattern: '*', adapter: near },
      ],
    });
    await store.createBucket({ bucket: 'far-b', owner: 'me' });
    await store.createBucket({ bucket: 'b', owner: 'me' });
    expect(await kindOf(put(store, 'far-b', 'k', 100))).toBe('done');
    expect(await kindOf(put(store, 'b', 'k', 10))).toBe('done');
    expect(await kindOf(put(store, 'b', 'k2', 1))).toBe('no_space');
  });

  it('counts parts and copies', async () => {
    const store = await full();
    const copy = () =>
      store.copyObject({
        source: { bucket: 'b', key: 'old' },
        bucket: 'b',
        key: 'copy',
        replace_attributes: false,
        replace_tags: false,
      });
    expect(await kindOf(copy())).toBe('no_space');
    const { upload_id } = await store.createUpload({ bucket: 'b', key: 'up' });
    const part = (size_bytes: number) =>
      store.uploadPart({
        bucket: 'b',
        key: 'up',
        upload_id,
        part_number: 1,
        size_bytes,
        body: new Uint8Array(size_bytes),
      });
    expect(await kindOf(part(101))).toBe('no_space');
    expect(await kindOf(part(100))).toBe('done');
    expect(await kindOf(put(store, 'b', 'k', 1))).toBe('no_space');
    await store.abortUpload({ bucket: 'b', key: 'up', upload_id });
    expect(await kindOf(put(store, 'b', 'k', 1))).toBe('done');
  });
});
