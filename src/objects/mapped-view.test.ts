import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Adapter, StoreError } from '../../adapters/contract/index.js';
import { openLocalAdapter } from '../../adapters/local/open-local-adapter.js';
import { createObjectStore } from './store.js';

let folder: string;
let disk: Adapter;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mapped-view-'));
  disk = await openLocalAdapter({ name: 'disk', path: folder });
});
afterEach(async () => {
  await disk.close();
  await rm(folder, { recursive: true });
});

/** One bucket under another name, some under a prefix, the rest as they are: all in one adapter. */
const open = () =>
  createObjectStore({
    mounts: [
      { pattern: 'photos', adapter: disk, upstream_bucket: 'company-photos-2026' },
      { pattern: 'team-*', adapter: disk, upstream_prefix: 'x-' },
      { pattern: 'plain-*', adapter: disk },
    ],
    quota_bytes: Number.POSITIVE_INFINITY,
  });

async function failure(call: Promise<unknown>): Promise<StoreError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof StoreError) return error;
  throw new Error(`no StoreError: ${String(error)}`);
}

const put = (store: Adapter, bucket: string, key: string, text: string) =>
  store.putObject({ bucket, key, body: Buffer.from(text), size_bytes: text.length });

const namesIn = async (store: Adapter, input: Partial<Parameters<Adapter['listBuckets']>[0]> = {}) => {
  const { buckets, next } = await store.listBuckets({ limit: 100, ...input });
  return [buckets.map(({ name }) => name), next];
};

async function withBuckets(): Promise<Adapter> {
  const store = open();
  for (const bucket of ['photos', 'team-b', 'team-a', 'plain-c']) {
    expect((await store.createBucket({ bucket, owner: 'me' })).name).toBe(bucket);
  }
  return store;
}

describe('mounts with other names upstream', () => {
  it('keep buckets there under those names, and show them under their own', async () => {
    const store = await withBuckets();
    expect(await namesIn(disk)).toEqual([['company-photos-2026', 'plain-c', 'x-team-a', 'x-team-b'], null]);
    expect(await namesIn(store)).toEqual([['photos', 'plain-c', 'team-a', 'team-b'], null]);
    expect(await namesIn(store, { limit: 2 })).toEqual([['photos', 'plain-c'], 'plain-c']);
    expect(await namesIn(store, { limit: 2, after: 'plain-c' })).toEqual([['team-a', 'team-b'], null]);
    expect(await namesIn(store, { limit: 1, after: 'team-a' })).toEqual([['team-b'], null]);
    expect(await namesIn(store, { prefix: 'ph' })).toEqual([['photos'], null]);
    expect(await namesIn(store, { owner: 'you' })).toEqual([[], null]);
    expect((await store.headBucket({ bucket: 'photos' })).name).toBe('photos');
  });

  it('show what is there already, and nothing that is not theirs', async () => {
    await disk.createBucket({ bucket: 'x-team-old', owner: 'me' });
    await disk.createBucket({ bucket: 'x-other', owner: 'me' });
    await disk.createBucket({ bucket: 'elsewhere', owner: 'me' });
    const store = open();
    expect(await namesIn(store)).toEqual([['team-old'], null]);
    expect((await failure(store.headBucket({ bucket: 'elsewhere' }))).kind).toBe('not_found');
    await put(disk, 'x-team-old', 'k', 'old');
    expect((await store.headObject({ bucket: 'team-old', key: 'k' })).info.size_bytes).toBe(3);
    await store.deleteObject({ bucket: 'team-old', key: 'k' });
    await store.deleteBucket({ bucket: 'team-old' });
    expect(await namesIn(store)).toEqual([[], null]);
  });

  it('copy inside the adapter, whatever the names are on both sides', async () => {
    const store = await withBuckets();
    await put(store, 'photos', 'k', 'content');
    for (const [from, to] of [
      ['photos', 'team-a'],
      ['team-a', 'team-b'],
      ['team-b', 'plain-c'],
      ['plain-c', 'photos'],
    ] as const) {
      const source = { bucket: from, key: 'k' };
      const target = { bucket: to, key: 'k', replace_attributes: false, replace_tags: false };
      expect((await store.copyObject({ ...target, source })).info.size_bytes).toBe(7);
      const { upload_id } = await store.createUpload({ bucket: to, key: 'up' });
      const upload = { bucket: to, key: 'up', upload_id };
      const { part_number, etag, size_bytes } = await store.copyPart({ ...upload, part_number: 1, source });
      expect(size_bytes).toBe(7);
      await store.completeUpload({ ...upload, parts: [{ part_number, etag }] });
    }
    expect((await disk.headObject({ bucket: 'company-photos-2026', key: 'up' })).info.size_bytes).toBe(7);
  });

  it('name buckets in errors as clients know them', async () => {
    const store = await withBuckets();
    await put(store, 'photos', 'k', 'content');
    const missing = await failure(store.headBucket({ bucket: 'team-none' }));
    expect(missing).toMatchObject({ kind: 'not_found', subject: 'bucket' });
    expect(missing.message).toContain('team-none');
    expect(missing.message).not.toContain('x-team-none');
    const full = await failure(store.deleteBucket({ bucket: 'photos' }));
    expect(full.kind).toBe('not_empty');
    expect(full.message).not.toContain('company');
    const copy = { bucket: 'photos', key: 'k', replace_attributes: false, replace_tags: false };
    const gone = await failure(store.copyObject({ ...copy, source: { bucket: 'team-none', key: 'k' } }));
    expect(gone).toMatchObject({ kind: 'not_found', subject: 'bucket' });
    expect(JSON.stringify([gone.message, gone.detail])).not.toContain('x-team-none');
    const long = await failure(store.createBucket({ bucket: `team-${'a'.repeat(58)}`, owner: 'me' }));
    expect(long).toMatchObject({ kind: 'invalid', subject: 'bucket' });
    const none = await failure(store.headBucket({ bucket: `team-${'a'.repeat(58)}` }));
    expect(none).toMatchObject({ kind: 'not_found', subject: 'bucket' });
  });

  it('tell changes under those names, and only of buckets that clients see', async () => {
    const store = await withBuckets();
    await disk.createBucket({ bucket: 'elsewhere', owner: 'me' });
    await put(store, 'photos', 'k', 'content');
    await put(disk, 'x-team-a', 'k', 'content');
    const { changes } = await store.readChanges({ after: null, limit: 100 });
    expect(changes.filter(({ type }) => type === 'put').map(({ bucket }) => bucket)).toEqual([
      'photos',
      'team-a',
    ]);
    expect(changes.some(({ bucket }) => bucket === 'elsewhere')).toBe(false);
    // A page that holds nothing of theirs does not look like the end.
    const behind = changes.find(({ bucket, type }) => bucket === 'plain-c' && type === 'bucket_created');
    const next = await store.readChanges({ after: behind?.cursor ?? null, limit: 1 });
    expect(next.changes.map(({ bucket }) => bucket)).toEqual(['photos']);
  });
});

describe('a read-only mount', () => {
  const target = { bucket: 'photos', key: 'k' };
  const upload = { ...target, upload_id: 'u' };
  const source = { bucket: 'photos', key: 'k' };
  const how = { replace_attributes: false, replace_tags: false };
  const body = { body: new Uint8Array(1), size_bytes: 1 };
  const document = { bucket: 'photos', kind: 'policy' };
  const writes: Record<string, (store: Adapter) => Promise<unknown>> = {
    createBucket: (store) => store.createBucket({ bucket: 'photos', owner: 'me' }),
    deleteBucket: (store) => store.deleteBucket({ bucket: 'photos' }),
    putVersioning: (store) => store.putVersioning({ bucket: 'photos', versioning: 'enabled' }),
    putDocument: (store) => store.putDocument({ ...document, content: '{}' }),
    deleteDocument: (store) => store.deleteDocument(document),
    putObject: (store) => store.putObject({ ...target, ...body }),
    deleteObject: (store) => store.deleteObject(target),
    deleteObjects: (store) => store.deleteObjects({ bucket: 'photos', objects: [{ key: 'k' }] }),
    copyObject: (store) => store.copyObject({ ...target, ...how, source }),
    'copyObject from elsewhere': (store) =>
      store.copyObject({ ...target, ...how, source: { bucket: 'open', key: 'k' } }),
    putTags: (store) => store.putTags({ ...target, tags: {} }),
    putRetention: (store) => store.putRetention({ ...target, retention: null }),
    putLegalHold: (store) => store.putLegalHold({ ...target, legal_hold: true }),
    createUpload: (store) => store.createUpload(target),
    uploadPart: (store) => store.uploadPart({ ...upload, part_number: 1, ...body }),
    copyPart: (store) => store.copyPart({ ...upload, part_number: 1, source }),
    completeUpload: (store) => store.completeUpload({ ...upload, parts: [] }),
    abortUpload: (store) => store.abortUpload(upload),
  };

  const openReadOnly = async () => {
    await disk.createBucket({ bucket: 'photos', owner: 'me' });
    await disk.createBucket({ bucket: 'open', owner: 'me' });
    await put(disk, 'photos', 'k', 'content');
    await put(disk, 'open', 'k', 'content');
    return createObjectStore({
      mounts: [
        { pattern: 'photos', adapter: disk, read_only: true },
        { pattern: '*', adapter: disk },
      ],
      quota_bytes: Number.POSITIVE_INFINITY,
    });
  };

  it.each(Object.keys(writes))('refuses %s', async (name) => {
    const store = await openReadOnly();
    const error = await failure(writes[name]?.(store) ?? Promise.resolve());
    expect(error).toMatchObject({ kind: 'access_denied', detail: { mount: 'photos' } });
    expect(error.message).toBe('The mount "photos" is read-only.');
    expect((await disk.headObject(target)).info.size_bytes).toBe(7);
  });

  it('is read as any other, and copied from', async () => {
    const store = await openReadOnly();
    expect(await namesIn(store)).toEqual([['open', 'photos'], null]);
    expect((await store.getObject(target)).info.size_bytes).toBe(7);
    const copy = await store.copyObject({ bucket: 'open', key: 'copy', source, ...how });
    expect(copy.info.size_bytes).toBe(7);
  });
});
