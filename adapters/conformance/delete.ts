import { describe, expect, test } from 'vitest';
import { bytesOf } from './support/bytes.js';
import { at, deviates, expectBytes, failure } from './support/expect.js';
import { get, getText, type Harness, put, testWith } from './support/harness.js';
import { storable } from './support/keys.js';
import { inByteOrder, namesOf } from './support/listing.js';

export function deleteTests(harness: Harness): void {
  describe('delete', () => {
    single(harness);
    batches(harness);
  });
}

function single(harness: Harness): void {
  test('a deleted object is gone', async () => {
    const bucket = await harness.bucket();
    for (const content of [bytesOf(1, 100), bytesOf(2, 1_100_000)]) {
      await put(harness, bucket, 'key', content);
      const result = await harness.store.deleteObject({ bucket, key: 'key' });
      expect(result.delete_marker).toBe(false);
      expect(result.version_id).toBeUndefined();
      await failure(harness.store.getObject({ bucket, key: 'key' }), 'not_found', 'object');
      await failure(harness.store.headObject({ bucket, key: 'key' }), 'not_found', 'object');
      expect((await harness.store.listObjects({ bucket, limit: 5 })).entries).toEqual([]);
    }
  });

  test('deleting what is not there succeeds', async () => {
    const bucket = await harness.bucket();
    const result = await harness.store.deleteObject({ bucket, key: 'never written' });
    expect(result).toEqual({ delete_marker: false });
  });

  test('a delete removes nothing else', async () => {
    const bucket = await harness.bucket();
    const keys = storable(harness, ['a', 'a/', 'a//', 'a/b', 'a/b/', 'A', 'aa', '/a', 'a\u0001', 'a b']);
    for (const removed of keys) {
      await Promise.all(keys.map((key) => put(harness, bucket, key, key)));
      await harness.store.deleteObject({ bucket, key: removed });
      await failure(harness.store.headObject({ bucket, key: removed }), 'not_found', 'object');
      for (const key of keys) {
        if (key !== removed) expect(await getText(harness, bucket, key)).toBe(key);
      }
    }
  });

  test('an object can be written again after it was deleted', async () => {
    const bucket = await harness.bucket();
    const content = bytesOf(3, 900_001);
    for (let round = 0; round < 3; round++) {
      await put(harness, bucket, 'key', content);
      expectBytes(await get(harness, bucket, 'key'), content);
      await harness.store.deleteObject({ bucket, key: 'key' });
      await harness.store.maintain({ now_ms: Date.now() });
    }
  });

  test('the null version of an unversioned object can be named', async (context) => {
    context.skip(!harness.store.capabilities.versioning, 'not declared: versioning');
    const bucket = await harness.bucket();
    await put(harness, bucket, 'key', 'content');
    await harness.store.deleteObject({ bucket, key: 'key', version_id: 'unknown' }).catch(() => undefined);
    expect(await getText(harness, bucket, 'key', { version_id: 'null' })).toBe('content');
    await harness.store.deleteObject({ bucket, key: 'key', version_id: 'null' });
    await failure(harness.store.headObject({ bucket, key: 'key' }), 'not_found', 'object');
  });
}

function batches(harness: Harness): void {
  test('a batch answers for each object in the order asked', async () => {
    const bucket = await harness.bucket();
    const written = storable(harness, ['a', 'b', 'c', 'a/b']);
    for (const key of written) await put(harness, bucket, key, key);
    const objects = ['c', 'missing', 'a', 'a'].map((key) => ({ key }));
    const results = await harness.store.deleteObjects({ bucket, objects });
    expect(results).toEqual(objects.map(() => ({ delete_marker: false })));
    const { entries } = await harness.store.listObjects({ bucket, limit: 10 });
    expect(namesOf(entries)).toEqual(inByteOrder(written.filter((key) => key !== 'a' && key !== 'c')));
  });

  test('a batch of the declared size is taken', async () => {
    const bucket = await harness.bucket();
    const count = Math.min(harness.store.capabilities.delete_batch_max, 1_000);
    const objects = Array.from({ length: count }, (_, n) => ({ key: `key ${n}` }));
    for (const { key } of objects.slice(0, 40)) await put(harness, bucket, key, 'content');
    expect(await harness.store.deleteObjects({ bucket, objects })).toHaveLength(count);
    expect((await harness.store.listObjects({ bucket, limit: 10 })).entries).toEqual([]);
  });

  testWith(harness, 'conditional_delete', 'one failure in a batch does not stop the others', async () => {
    const bucket = await harness.bucket();
    for (const key of ['a', 'b', 'c']) await put(harness, bucket, key, key);
    const results = await harness.store.deleteObjects({
      bucket,
      objects: [{ key: 'a' }, { key: 'b', condition: { if_match: 'other' } }, { key: 'c' }],
    });
    expect(results).toHaveLength(3);
    expect([at(results, 0), at(results, 2)]).toEqual([{ delete_marker: false }, { delete_marker: false }]);
    const failed = at(results, 1);
    if (!('error' in failed)) throw new Error('the condition was ignored');
    await failure(Promise.reject(failed.error), 'precondition_failed', 'object');
    const { entries } = await harness.store.listObjects({ bucket, limit: 10 });
    expect(namesOf(entries)).toEqual(['b']);
  });

  testWith(harness, 'versioning', 'a batch makes and removes versions', async () => {
    const { store } = harness;
    const bucket = await harness.versionedBucket();
    const old = await put(harness, bucket, 'a', 'old');
    await put(harness, bucket, 'a', 'new');
    if (deviates(store, 'no_markers_of_absent_keys')) await put(harness, bucket, 'b', 'content');
    const results = await store.deleteObjects({
      bucket,
      objects: [{ key: 'a', version_id: old.version_id }, { key: 'b' }],
    });
    expect(results).toHaveLength(2);
    expect(at(results, 0)).toEqual({ version_id: old.version_id, delete_marker: false });
    const marker = at(results, 1);
    expect(marker).toEqual({ version_id: expect.any(String), delete_marker: true });
    expect(await getText(harness, bucket, 'a')).toBe('new');
    await failure(store.headObject({ bucket, key: 'b' }), 'delete_marker');
  });
}
