import { describe, expect } from 'vitest';
import type { Usage } from '../contract/index.js';
import { bytesOf, failingStreamOf, utf8 } from './support/bytes.js';
import { rejection } from './support/expect.js';
import { type Harness, put, testWith } from './support/harness.js';
import { beginUpload, complete, sendPart } from './support/multipart.js';

export function usageTests(harness: Harness): void {
  describe('usage', () => {
    objects(harness);
    versions(harness);
    uploads(harness);
    everything(harness);
  });
}

/** Live objects and their bytes, versions and stored bytes. */
function usage(
  objects_count: number,
  objects_bytes: number,
  versions_count = objects_count,
  stored_bytes = objects_bytes,
): Usage {
  return { objects_count, objects_bytes, versions_count, stored_bytes };
}

function objects(harness: Harness): void {
  testWith(harness, 'usage', 'it follows puts, overwrites, copies and deletes', async () => {
    const { store } = harness;
    const bucket = await harness.bucket();
    const current = () => store.usage({ bucket });
    expect(await current()).toEqual(usage(0, 0));
    await put(harness, bucket, 'a', bytesOf(1, 100));
    await put(harness, bucket, 'large', bytesOf(1, 1_200_000));
    expect(await current()).toEqual(usage(2, 1_200_100));
    await put(harness, bucket, 'large', bytesOf(2, 50));
    expect(await current()).toEqual(usage(2, 150));
    const how = { replace_attributes: false, replace_tags: false };
    await store.copyObject({ source: { bucket, key: 'a' }, bucket, key: 'b', ...how });
    await store.copyObject({ source: { bucket, key: 'a' }, bucket, key: 'a', ...how });
    expect(await current()).toEqual(usage(3, 250));
    await put(harness, bucket, 'empty', '');
    expect(await current()).toEqual(usage(4, 250));
    await store.deleteObject({ bucket, key: 'a' });
    await store.deleteObject({ bucket, key: 'a' });
    await store.deleteObjects({ bucket, objects: [{ key: 'b' }, { key: 'b' }, { key: 'none' }] });
    expect(await current()).toEqual(usage(2, 50));
  });

  testWith(harness, 'usage', 'equal contents count each', async () => {
    const bucket = await harness.bucket();
    for (const key of ['a', 'b', 'c']) await put(harness, bucket, key, bytesOf(1, 300_000));
    expect(await harness.store.usage({ bucket })).toEqual(usage(3, 900_000));
    await harness.store.deleteObject({ bucket, key: 'b' });
    expect(await harness.store.usage({ bucket })).toEqual(usage(2, 600_000));
  });

  testWith(harness, 'usage', 'what is refused counts nothing', async () => {
    const { store } = harness;
    const bucket = await harness.bucket();
    await put(harness, bucket, 'a', 'content');
    await rejection(put(harness, bucket, 'a', 'longer', { size_bytes: 9 }));
    const body = failingStreamOf(bytesOf(1, 900_000), new Error('gone'));
    await rejection(store.putObject({ bucket, key: 'b', body, size_bytes: 1_000_000 }));
    const upload_of_nothing = { bucket, key: 'a', upload_id: 'none', part_number: 1 };
    await rejection(store.uploadPart({ ...upload_of_nothing, body: utf8('x'), size_bytes: 1 }));
    expect(await store.usage({ bucket })).toEqual(usage(1, 7));
  });

  testWith(harness, 'usage', 'concurrent writers leave it exact', async () => {
    const bucket = await harness.bucket();
    await Promise.all(
      Array.from({ length: 60 }, (_, n) =>
        n % 3 === 2
          ? harness.store.deleteObject({ bucket, key: `key ${n % 7}` })
          : put(harness, bucket, `key ${n % 7}`, bytesOf(n, 10 * n)),
      ),
    );
    const { entries } = await harness.store.listObjects({ bucket, limit: 100 });
    const sizes = entries.map((entry) => (entry.type === 'item' ? entry.item.size_bytes : 0));
    const total_bytes = sizes.reduce((sum, size_bytes) => sum + size_bytes, 0);
    expect(await harness.store.usage({ bucket })).toEqual(usage(sizes.length, total_bytes));
  });
}

function versions(harness: Harness): void {
  testWith(
    harness,
    ['usage', 'versioning'],
    'old versions are stored, delete markers weigh nothing',
    async () => {
      const { store } = harness;
      const bucket = await harness.versionedBucket();
      const current = () => store.usage({ bucket });
      const first = await put(harness, bucket, 'key', bytesOf(1, 100));
      await put(harness, bucket, 'key', bytesOf(2, 20));
      expect(await current()).toEqual(usage(1, 20, 2, 120));
      const marker = await store.deleteObject({ bucket, key: 'key' });
      expect(await current()).toEqual(usage(0, 0, 2, 120));
      await store.deleteObject({ bucket, key: 'key', version_id: first.version_id });
      expect(await current()).toEqual(usage(0, 0, 1, 20));
      await store.deleteObject({ bucket, key: 'key', version_id: marker.version_id ?? '' });
      expect(await current()).toEqual(usage(1, 20));
      await store.putVersioning({ bucket, versioning: 'suspended' });
      await put(harness, bucket, 'key', bytesOf(3, 3));
      expect(await current()).toEqual(usage(1, 3, 2, 23));
      await put(harness, bucket, 'key', bytesOf(4, 5));
      expect(await current()).toEqual(usage(1, 5, 2, 25));
      await store.deleteObject({ bucket, key: 'key' });
      expect(await current()).toEqual(usage(0, 0, 1, 20));
      await store.deleteObject({ bucket, key: 'key', version_id: 'null' });
      expect(await current()).toEqual(usage(1, 20));
    },
  );
}

function uploads(harness: Harness): void {
  testWith(harness, ['usage', 'multipart'], 'parts are stored bytes until their upload ends', async () => {
    const { store } = harness;
    const bucket = await harness.bucket();
    const current = () => store.usage({ bucket });
    const upload = await beginUpload(harness, bucket, 'key');
    expect(await current()).toEqual(usage(0, 0));
    const part = await sendPart(harness, upload, 1, bytesOf(1, 1_000));
    await sendPart(harness, upload, 2, bytesOf(2, 500));
    expect(await current()).toEqual(usage(0, 0, 0, 1_500));
    await sendPart(harness, upload, 2, bytesOf(3, 70));
    expect(await current()).toEqual(usage(0, 0, 0, 1_070));
    await complete(harness, upload, [part]);
    expect(await current()).toEqual(usage(1, 1_000));
    const aborted = await beginUpload(harness, bucket, 'key');
    await sendPart(harness, aborted, 1, bytesOf(4, 900_000));
    expect(await current()).toEqual(usage(1, 1_000, 1, 901_000));
    await store.abortUpload(aborted);
    expect(await current()).toEqual(usage(1, 1_000));
  });
}

function everything(harness: Harness): void {
  testWith(harness, 'usage', 'the usage of all is at least that of one bucket', async () => {
    const bucket = await harness.bucket();
    await put(harness, bucket, 'key', bytesOf(1, 1_000));
    const all = await harness.store.usage({});
    expect(all.objects_count).toBeGreaterThanOrEqual(1);
    for (const bytes of [all.objects_bytes, all.stored_bytes]) expect(bytes).toBeGreaterThanOrEqual(1_000);
    expect(all.versions_count).toBeGreaterThanOrEqual(all.objects_count);
  });
}
