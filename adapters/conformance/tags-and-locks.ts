import { describe, expect } from 'vitest';
import { deviates, failure, seenLater } from './support/expect.js';
import { getText, type Harness, put, testWith } from './support/harness.js';
import { lockedObject, retentionFor } from './support/locks.js';

const MINUTE_MS = 60_000;

export function tagsAndLocksTests(harness: Harness): void {
  describe('tags', () => tags(harness));
  describe('locks', () => {
    governance(harness);
    legalHold(harness);
    lockedBuckets(harness);
  });
}

function tags(harness: Harness): void {
  testWith(harness, 'tagging', 'tags are put, replaced and removed', async () => {
    const { store } = harness;
    const bucket = await harness.bucket();
    const object = { bucket, key: 'key' };
    const written = await put(harness, bucket, 'key', 'content', { attributes: { metadata: { a: 'b' } } });
    expect(await store.getTags(object)).toEqual({ tags: {}, version_id: 'null' });
    for (const tags of [
      { a: '1', b: '' },
      { 'c d': deviates(store, 'ascii_tags') ? '/+=.@:-_' : 'ü/+=.@:-_' },
      {},
    ]) {
      expect(await store.putTags({ ...object, tags })).toEqual({ tags, version_id: 'null' });
      expect((await store.getTags(object)).tags).toEqual(tags);
      const { info } = await store.headObject(object);
      expect(info).toEqual({ ...seenLater(harness, written), tags_count: Object.keys(tags).length });
    }
    expect(await getText(harness, bucket, 'key')).toBe('content');
  });

  testWith(harness, 'tagging', 'an overwrite forgets the tags', async () => {
    const bucket = await harness.bucket();
    await put(harness, bucket, 'key', 'first', { attributes: { tags: { a: '1' } } });
    await put(harness, bucket, 'key', 'second');
    expect((await harness.store.getTags({ bucket, key: 'key' })).tags).toEqual({});
  });

  testWith(harness, 'tagging', 'tags of what is not there', async () => {
    const { store } = harness;
    const bucket = await harness.bucket();
    await failure(store.getTags({ bucket, key: 'none' }), 'not_found', 'object');
    await failure(store.putTags({ bucket, key: 'none', tags: { a: '1' } }), 'not_found', 'object');
  });

  testWith(harness, ['tagging', 'versioning'], 'each version has its own tags', async () => {
    const { store } = harness;
    const bucket = await harness.versionedBucket();
    const first = await put(harness, bucket, 'key', 'first', { attributes: { tags: { n: '1' } } });
    const second = await put(harness, bucket, 'key', 'second', { attributes: { tags: { n: '2' } } });
    const named = { bucket, key: 'key', version_id: first.version_id };
    expect(await store.getTags(named)).toEqual({ tags: { n: '1' }, version_id: first.version_id });
    const changed = await store.putTags({ ...named, tags: { n: 'one' } });
    expect(changed.version_id).toBe(first.version_id);
    expect((await store.getTags({ bucket, key: 'key' })).tags).toEqual({ n: '2' });
    expect((await store.getTags(named)).tags).toEqual({ n: 'one' });

    await store.deleteObject({ bucket, key: 'key' });
    await failure(store.getTags({ bucket, key: 'key' }), 'delete_marker');
    await failure(store.putTags({ bucket, key: 'key', tags: {} }), 'delete_marker');
    const still = { bucket, key: 'key', version_id: second.version_id };
    expect((await store.getTags(still)).tags).toEqual({ n: '2' });
    await failure(store.getTags({ ...named, key: 'other' }), 'not_found', 'version');
  });
}

function governance(harness: Harness): void {
  testWith(harness, 'object_lock', 'a retained version is deleted only with the bypass', async () => {
    const { store } = harness;
    const retention = retentionFor('GOVERNANCE', 10 * MINUTE_MS);
    const { address } = await lockedObject(harness, { retention });
    expect((await store.headObject(address)).info.retention).toEqual(retention);
    await failure(store.deleteObject(address), 'locked', ['version', 'object']);
    const [result] = await store.deleteObjects({ bucket: address.bucket, objects: [address] });
    expect(result).toHaveProperty('error');
    expect(await getText(harness, address.bucket, 'key')).toBe('content');
    await store.deleteObject({ ...address, bypass_governance: true });
    await failure(store.headObject(address), 'not_found', 'version');
  });

  testWith(
    harness,
    'object_lock',
    'governance is lengthened by anyone, shortened with the bypass',
    async () => {
      const { store } = harness;
      const { address } = await lockedObject(harness, {
        retention: retentionFor('GOVERNANCE', 10 * MINUTE_MS),
      });
      const longer = retentionFor('GOVERNANCE', 20 * MINUTE_MS);
      await store.putRetention({ ...address, retention: longer });
      expect((await store.headObject(address)).info.retention).toEqual(longer);
      const shorter = retentionFor('GOVERNANCE', 5 * MINUTE_MS);
      for (const retention of [shorter, null]) {
        await failure(store.putRetention({ ...address, retention }), 'locked');
        expect((await store.headObject(address)).info.retention).toEqual(longer);
      }
      for (const retention of [shorter, null]) {
        await store.putRetention({ ...address, retention, bypass_governance: true });
        expect((await store.headObject(address)).info.retention).toEqual(retention);
      }
      await store.deleteObject(address);
    },
  );
}

function legalHold(harness: Harness): void {
  testWith(harness, 'object_lock', 'a legal hold protects until it is lifted', async () => {
    const { store } = harness;
    const { address } = await lockedObject(harness, { legal_hold: true });
    expect((await store.headObject(address)).info).toMatchObject({ legal_hold: true, retention: null });
    await failure(store.deleteObject({ ...address, bypass_governance: true }), 'locked');
    await store.putLegalHold({ ...address, legal_hold: false });
    expect((await store.headObject(address)).info.legal_hold).toBe(false);
    await store.putLegalHold({ ...address, legal_hold: true });
    await failure(store.deleteObject(address), 'locked');
    await store.putLegalHold({ ...address, legal_hold: false });
    await store.deleteObject(address);
    await failure(store.headObject(address), 'not_found', 'version');
  });

  testWith(harness, 'object_lock', 'locks of what is not there', async () => {
    const { store } = harness;
    const { address } = await lockedObject(harness, {});
    const { bucket, version_id } = address;
    const retention = retentionFor('GOVERNANCE', MINUTE_MS);
    await failure(store.putRetention({ bucket, key: 'none', retention }), 'not_found', 'object');
    await failure(store.putLegalHold({ bucket, key: 'none', legal_hold: true }), 'not_found', 'object');
    const other = { bucket, key: 'none', version_id };
    await failure(store.putRetention({ ...other, retention }), 'not_found', 'version');
    await failure(store.putLegalHold({ ...other, legal_hold: true }), 'not_found', 'version');
    await store.deleteObject({ bucket, key: 'key' });
    await failure(store.putRetention({ bucket, key: 'key', retention }), 'delete_marker');
    await failure(store.putLegalHold({ bucket, key: 'key', legal_hold: true }), 'delete_marker');
  });
}

function lockedBuckets(harness: Harness): void {
  testWith(harness, 'object_lock', 'a lock protects its version, not the key', async () => {
    const { store } = harness;
    const { address } = await lockedObject(harness, {
      retention: retentionFor('GOVERNANCE', 10 * MINUTE_MS),
      legal_hold: true,
    });
    const { bucket } = address;
    const next = await put(harness, bucket, 'key', 'next');
    expect(next).toMatchObject({ retention: null, legal_hold: false });
    const { delete_marker, version_id: marker } = await store.deleteObject({ bucket, key: 'key' });
    expect(delete_marker).toBe(true);
    await store.deleteObject({ bucket, key: 'key', version_id: next.version_id });
    await store.deleteObject({ bucket, key: 'key', version_id: marker ?? '' });
    expect(await getText(harness, bucket, 'key')).toBe('content');
    await failure(store.deleteBucket({ bucket }), 'not_empty', 'bucket');
  });

  testWith(harness, 'object_lock', 'a bucket without object lock takes no locks', async () => {
    const bucket = await harness.versionedBucket();
    await put(harness, bucket, 'key', 'content');
    const retention = retentionFor('GOVERNANCE', MINUTE_MS);
    const refusal = ['invalid', 'conflict', 'unsupported'] as const;
    await failure(harness.store.putRetention({ bucket, key: 'key', retention }), refusal);
    await failure(harness.store.putLegalHold({ bucket, key: 'key', legal_hold: true }), refusal);
    await harness.store.deleteObject({ bucket, key: 'key' });
  });
}
