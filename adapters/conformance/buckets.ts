import { describe, expect, test } from 'vitest';
import { at, failure, settle } from './support/expect.js';
import { type Harness, OTHER_OWNER, OWNER, put, testWith } from './support/harness.js';
import { inByteOrder, walk } from './support/listing.js';

export function bucketTests(harness: Harness): void {
  describe('buckets', () => {
    creation(harness);
    deletion(harness);
    listing(harness);
    absence(harness);
    versioningState(harness);
  });
}

function creation(harness: Harness): void {
  test('a new bucket shows what it was created with', async () => {
    const name = harness.bucketName();
    const created = await harness.store.createBucket({ bucket: name, owner: OWNER });
    expect(created).toMatchObject({ name, owner: OWNER, versioning: 'unversioned', object_lock: false });
    expect(Math.abs(created.created_at_ms - Date.now())).toBeLessThan(15 * 60_000);
    expect(await harness.store.headBucket({ bucket: name })).toEqual(created);
  });

  test('its region is empty where none was given', async () => {
    const bucket = await harness.bucket();
    expect((await harness.store.headBucket({ bucket })).region).toBe('');
  });

  testWith(harness, 'object_lock', 'object lock enables versioning too', async () => {
    const bucket = await harness.bucket({ object_lock: true });
    expect(await harness.store.headBucket({ bucket })).toMatchObject({
      object_lock: true,
      versioning: 'enabled',
    });
  });

  test('a taken name is refused and says by whom it is taken', async () => {
    const bucket = await harness.bucket();
    await put(harness, bucket, 'kept', 'content');
    for (const owner of [OWNER, OTHER_OWNER]) {
      const error = await failure(harness.store.createBucket({ bucket, owner }), 'already_exists', 'bucket');
      expect(error.detail.owner).toBe(OWNER);
    }
    expect((await harness.store.headBucket({ bucket })).owner).toBe(OWNER);
    await harness.store.headObject({ bucket, key: 'kept' });
  });

  test('of many who create the same name at once, one wins', async () => {
    const bucket = harness.bucketName();
    const calls = Array.from({ length: 10 }, () => harness.store.createBucket({ bucket, owner: OWNER }));
    const { won, lost } = await settle(calls);
    expect(won).toHaveLength(1);
    for (const error of lost) {
      await failure(Promise.reject(error), ['already_exists', 'conflict'], 'bucket');
    }
  });
}

function deletion(harness: Harness): void {
  test('a deleted bucket is gone, and its name is free', async () => {
    const bucket = await harness.bucket();
    await harness.store.deleteBucket({ bucket });
    await failure(harness.store.headBucket({ bucket }), 'not_found', 'bucket');
    await failure(harness.store.deleteBucket({ bucket }), 'not_found', 'bucket');
    await harness.store.createBucket({ bucket, owner: OTHER_OWNER });
    expect((await harness.store.headBucket({ bucket })).owner).toBe(OTHER_OWNER);
  });

  test('a bucket with an object is not deleted', async () => {
    const bucket = await harness.bucket();
    await put(harness, bucket, 'key', 'content');
    await failure(harness.store.deleteBucket({ bucket }), 'not_empty', 'bucket');
    await harness.store.headObject({ bucket, key: 'key' });
    await harness.store.deleteObject({ bucket, key: 'key' });
    await harness.store.deleteBucket({ bucket });
  });

  testWith(harness, 'versioning', 'a bucket with old versions or delete markers is not deleted', async () => {
    const bucket = await harness.versionedBucket();
    const { version_id } = await put(harness, bucket, 'key', 'content');
    const marker = await harness.store.deleteObject({ bucket, key: 'key' });
    await failure(harness.store.deleteBucket({ bucket }), 'not_empty', 'bucket');
    await harness.store.deleteObject({ bucket, key: 'key', version_id });
    await failure(harness.store.deleteBucket({ bucket }), 'not_empty', 'bucket');
    await harness.store.deleteObject({ bucket, key: 'key', version_id: marker.version_id ?? '' });
    await harness.store.deleteBucket({ bucket });
  });

  testWith(harness, 'multipart', 'unfinished uploads do not hold a bucket and end with it', async () => {
    const bucket = await harness.bucket();
    const { upload_id } = await harness.store.createUpload({ bucket, key: 'key' });
    const part = { bucket, key: 'key', upload_id, part_number: 1, body: Buffer.from('part'), size_bytes: 4 };
    await harness.store.uploadPart(part);
    await harness.store.deleteBucket({ bucket });
    await harness.store.createBucket({ bucket, owner: OWNER });
    expect((await harness.store.listUploads({ bucket, limit: 10 })).entries).toEqual([]);
    await failure(harness.store.uploadPart(part), 'not_found', 'upload');
  });

  test('nothing of an old bucket shows in a new one of the same name', async () => {
    const { store } = harness;
    const bucket = await harness.bucket();
    await put(harness, bucket, 'old', 'content');
    await store.deleteObject({ bucket, key: 'old' });
    await store.deleteBucket({ bucket });
    await store.createBucket({ bucket, owner: OWNER });
    expect((await store.headBucket({ bucket })).versioning).toBe('unversioned');
    expect((await store.listObjects({ bucket, limit: 10 })).entries).toEqual([]);
    await failure(store.headObject({ bucket, key: 'old' }), 'not_found', 'object');
  });
}

function listing(harness: Harness): void {
  test('buckets are listed by name, page by page, at every page size', async () => {
    const names: string[] = [];
    const stem = harness.bucketName();
    for (const suffix of ['-b', '-a', '-c', '-a-1', '-a.1']) {
      names.push(await harness.bucket({ bucket: stem + suffix, owner: OWNER }));
    }
    const sorted = inByteOrder(names);
    for (let limit = 1; limit <= names.length + 1; limit++) {
      const listed = await walk(limit, async (after?: string) => {
        const page = await harness.store.listBuckets({ prefix: stem, limit, ...(after && { after }) });
        return { entries: page.buckets, next: page.next };
      });
      expect(listed.map((bucket) => bucket.name)).toEqual(sorted);
    }
    const rest = await harness.store.listBuckets({ prefix: stem, after: at(sorted, 1), limit: 1_000 });
    expect(rest.buckets.map((bucket) => bucket.name)).toEqual(sorted.slice(2));
    for (const bucket of names) await harness.store.deleteBucket({ bucket });
  });

  test('a list entry says what headBucket says', async () => {
    const bucket = await harness.bucket();
    const { buckets } = await harness.store.listBuckets({ prefix: bucket, limit: 2 });
    const { name, created_at_ms, owner, region } = await harness.store.headBucket({ bucket });
    expect(buckets).toMatchObject([{ name, created_at_ms, owner, region }]);
  });

  test('a longer list tells the owners as they are now', async () => {
    const stem = harness.bucketName();
    const names = Array.from({ length: 20 }, (_, index) => `${stem}-${index}`);
    for (const bucket of names) await harness.bucket({ bucket, owner: OWNER });
    const listed = async (owner: string) => {
      const { buckets } = await harness.store.listBuckets({ prefix: stem, owner, limit: 100 });
      return buckets.map(({ name }) => name);
    };
    expect(await listed(OWNER)).toEqual(inByteOrder(names));
    const moved = at(names, 7);
    await harness.store.deleteBucket({ bucket: moved });
    await harness.store.createBucket({ bucket: moved, owner: OTHER_OWNER });
    expect(await listed(OTHER_OWNER)).toEqual([moved]);
    expect(await listed(OWNER)).toEqual(inByteOrder(names.filter((name) => name !== moved)));
    for (const bucket of names) await harness.store.deleteBucket({ bucket });
  });

  test('only buckets of one owner are listed where that is asked', async () => {
    const stem = harness.bucketName();
    const mine = await harness.bucket({ bucket: `${stem}-mine`, owner: OWNER });
    const theirs = await harness.bucket({ bucket: `${stem}-theirs`, owner: OTHER_OWNER });
    const listed = async (owner: string) => {
      const { buckets } = await harness.store.listBuckets({ prefix: stem, owner, limit: 10 });
      return buckets.map((bucket) => bucket.name);
    };
    expect(await listed(OWNER)).toEqual([mine]);
    expect(await listed(OTHER_OWNER)).toEqual([theirs]);
    expect(await listed('f'.repeat(64))).toEqual([]);
    for (const bucket of [mine, theirs]) await harness.store.deleteBucket({ bucket });
  });
}

function absence(harness: Harness): void {
  test('every call names the bucket that is not there', async () => {
    const { store } = harness;
    const bucket = harness.bucketName();
    const object = { bucket, key: 'key' };
    const source = await harness.bucket();
    await put(harness, source, 'key', 'content');
    const copy = { replace_attributes: false, replace_tags: false };
    const calls: Promise<unknown>[] = [
      store.headBucket({ bucket }),
      store.deleteBucket({ bucket }),
      put(harness, bucket, 'key', 'content'),
      store.getObject(object),
      store.headObject(object),
      store.deleteObject(object),
      store.deleteObjects({ bucket, objects: [{ key: 'key' }] }),
      store.copyObject({ ...object, ...copy, source: { bucket: source, key: 'key' } }),
      store.copyObject({ bucket: source, key: 'copy', ...copy, source: object }),
      store.listObjects({ bucket, limit: 1 }),
      store.verifyObject(object),
    ];
    const { versioning, multipart, tagging, bucket_documents, usage } = store.capabilities;
    if (versioning) {
      calls.push(
        store.listVersions({ bucket, limit: 1 }),
        store.putVersioning({ bucket, versioning: 'enabled' }),
      );
    }
    if (multipart) calls.push(store.createUpload(object), store.listUploads({ bucket, limit: 1 }));
    if (tagging) calls.push(store.getTags(object), store.putTags({ ...object, tags: {} }));
    if (bucket_documents) {
      calls.push(store.getDocument({ bucket, kind: 'policy' }));
      calls.push(store.putDocument({ bucket, kind: 'policy', content: '{}' }));
      calls.push(store.deleteDocument({ bucket, kind: 'policy' }));
    }
    if (usage) calls.push(store.usage({ bucket }));
    const outcomes = await Promise.allSettled(calls);
    for (const outcome of outcomes) {
      expect(outcome.status).toBe('rejected');
      if (outcome.status === 'rejected') await failure(Promise.reject(outcome.reason), 'not_found', 'bucket');
    }
  });
}

function versioningState(harness: Harness): void {
  testWith(harness, 'versioning', 'versioning is enabled, suspended and enabled again', async () => {
    const bucket = await harness.bucket();
    for (const versioning of ['enabled', 'suspended', 'enabled', 'enabled'] as const) {
      await harness.store.putVersioning({ bucket, versioning });
      expect((await harness.store.headBucket({ bucket })).versioning).toBe(versioning);
    }
  });

  testWith(harness, 'object_lock', 'a bucket with object lock cannot suspend versioning', async () => {
    const bucket = await harness.bucket({ object_lock: true });
    await failure(harness.store.putVersioning({ bucket, versioning: 'suspended' }), 'conflict', 'bucket');
    await harness.store.putVersioning({ bucket, versioning: 'enabled' });
    expect((await harness.store.headBucket({ bucket })).versioning).toBe('enabled');
  });
}
