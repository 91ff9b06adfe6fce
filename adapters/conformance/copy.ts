import { describe, expect, test } from 'vitest';
import type { CopyObjectInput, ObjectAttributes } from '../contract/index.js';
import { bytesOf } from './support/bytes.js';
import { CHECKSUM_ALGORITHMS, fullObjectChecksum, hex } from './support/digests.js';
import { expectBytes, failure, seenLater } from './support/expect.js';
import { get, getText, type Harness, OTHER_OWNER, OWNER, put, testWith } from './support/harness.js';

const ATTRIBUTES: ObjectAttributes = {
  headers: { content_type: 'text/plain', cache_control: 'no-store' },
  metadata: { colour: 'blue' },
  owner: OWNER,
};

export function copyTests(harness: Harness): void {
  describe('copy', () => {
    content(harness);
    attributes(harness);
    absence(harness);
    versions(harness);
  });
}

function copy(harness: Harness, from: string, key: string, more: Partial<CopyObjectInput> = {}) {
  const bucket = more.bucket ?? '';
  const how = { replace_attributes: false, replace_tags: false };
  return harness.store.copyObject({ source: { bucket, key: from }, key, ...how, ...more, bucket });
}

function content(harness: Harness): void {
  test('a copy has the bytes of its source, in its own bucket or another', async () => {
    const bucket = await harness.bucket();
    const other = await harness.bucket();
    for (const size_bytes of [0, 1_000, 1_400_000]) {
      const bytes = bytesOf(1, size_bytes);
      await put(harness, bucket, 'from', bytes);
      const near = await copy(harness, 'from', 'to', { bucket });
      expect(near.info).toMatchObject({ key: 'to', size_bytes, etag: hex('md5', bytes), is_latest: true });
      expect(near.source_version_id).toBe('null');
      const source = { bucket, key: 'from' };
      await copy(harness, 'from', 'far', { bucket: other, source });
      expectBytes(await get(harness, bucket, 'to'), bytes);
      expectBytes(await get(harness, other, 'far'), bytes);
      const { info: shown } = await harness.store.headObject({ bucket, key: 'to' });
      expect(shown).toEqual(seenLater(harness, near.info));
    }
  });

  testWith(
    harness,
    'conditional_put',
    'a copy on a condition is of one piece where that is asked for',
    async () => {
      const bucket = await harness.bucket();
      // More than what adapters send through themselves unasked.
      const bytes = bytesOf(3, 8 * 1024 ** 2 + 1);
      const from = await put(harness, bucket, 'from', bytes);
      const condition = { if_none_match: '*' };
      const { info } = await copy(harness, 'from', 'to', { bucket, condition, one_piece: true });
      expect(info).toMatchObject({ size_bytes: bytes.length, etag: from.etag, parts_count: null });
      expectBytes(await get(harness, bucket, 'to'), bytes);
      const refused = copy(harness, 'from', 'to', { bucket, condition, one_piece: true });
      await failure(refused, 'precondition_failed');
    },
  );

  test('a copy lives on when its source is deleted or replaced', async () => {
    const bucket = await harness.bucket();
    for (const size_bytes of [500, 1_400_000]) {
      const bytes = bytesOf(2, size_bytes);
      await put(harness, bucket, 'from', bytes);
      await copy(harness, 'from', 'one', { bucket });
      await copy(harness, 'one', 'two', { bucket });
      await put(harness, bucket, 'from', 'replaced');
      await harness.store.deleteObject({ bucket, key: 'one' });
      await harness.store.maintain({ now_ms: Date.now() });
      expectBytes(await get(harness, bucket, 'two'), bytes);
    }
  });

  test('a copy may keep or change the kind of checksum', async () => {
    const bucket = await harness.bucket();
    const bytes = bytesOf(3, 300_000);
    for (const algorithm of harness.store.capabilities.checksums) {
      await put(harness, bucket, 'from', bytes, { expect: { checksum: { algorithm } } });
      const kept = await copy(harness, 'from', 'kept', { bucket });
      expect(kept.info.checksum).toEqual(await fullObjectChecksum(algorithm, bytes));
      for (const checksum_algorithm of harness.store.capabilities.checksums) {
        const changed = await copy(harness, 'from', 'changed', { bucket, checksum_algorithm });
        expect(changed.info.checksum).toEqual(await fullObjectChecksum(checksum_algorithm, bytes));
      }
    }
  });

  test('where checksums are not kept, a copy has none or that of its source', async () => {
    const bucket = await harness.bucket();
    const { checksums } = harness.store.capabilities;
    for (const algorithm of CHECKSUM_ALGORITHMS.filter((name) => !checksums.includes(name))) {
      for (const size_bytes of [300, 300_000]) {
        const bytes = bytesOf(3, size_bytes);
        const { value } = await fullObjectChecksum(algorithm, bytes);
        const promised = { checksum: { algorithm, value: () => value } };
        const from = await put(harness, bucket, 'from', bytes, { expect: promised });
        const kept = await copy(harness, 'from', 'kept', { bucket });
        expect(kept.info.checksum).toEqual(from.checksum);
        const { info } = await harness.store.headObject({ bucket, key: 'kept' });
        expect(info.checksum).toEqual(from.checksum);
        const asked = copy(harness, 'from', 'asked', { bucket, checksum_algorithm: algorithm });
        await failure(asked, 'unsupported', 'adapter');
        await failure(harness.store.headObject({ bucket, key: 'asked' }), 'not_found', 'object');
      }
    }
  });
}

function attributes(harness: Harness): void {
  test('headers and metadata come along', async () => {
    const bucket = await harness.bucket();
    await put(harness, bucket, 'from', 'content', { attributes: ATTRIBUTES });
    const { info } = await copy(harness, 'from', 'to', {
      bucket,
      attributes: { metadata: { ignored: 'yes' }, headers: { content_type: 'image/png' } },
    });
    expect(info).toMatchObject({ headers: ATTRIBUTES.headers, metadata: { colour: 'blue' } });
    expect(info.metadata).not.toHaveProperty('ignored');
  });

  test('or are replaced, all of them', async () => {
    const bucket = await harness.bucket();
    await put(harness, bucket, 'from', 'content', { attributes: ATTRIBUTES });
    const replacement = { metadata: { shape: 'round' }, headers: { content_language: 'fr' } };
    const { info } = await copy(harness, 'from', 'to', {
      bucket,
      attributes: replacement,
      replace_attributes: true,
    });
    expect(info.metadata).toEqual(replacement.metadata);
    expect(info.headers).toEqual(replacement.headers);
  });

  test('owner, storage class and system attributes are those of the copy', async () => {
    const bucket = await harness.bucket();
    const system = { source: 'node-1' };
    await put(harness, bucket, 'from', 'content', { attributes: { ...ATTRIBUTES, system } });
    const given = { owner: OTHER_OWNER, storage_class: 'STANDARD_IA', system: { source: 'node-2' } };
    for (const replace_attributes of [false, true]) {
      const { info } = await copy(harness, 'from', 'to', { bucket, attributes: given, replace_attributes });
      expect(info).toMatchObject(given);
    }
    const { info } = await copy(harness, 'from', 'to', { bucket, attributes: { owner: OTHER_OWNER } });
    expect(info.system).toEqual({});
  });

  testWith(harness, 'tagging', 'tags come along or are replaced', async () => {
    const bucket = await harness.bucket();
    await put(harness, bucket, 'from', 'content', { attributes: { tags: { a: '1', b: '2' } } });
    const tagsOf = async (key: string) => (await harness.store.getTags({ bucket, key })).tags;
    const kept = await copy(harness, 'from', 'kept', { bucket, attributes: { tags: { c: '3' } } });
    expect(kept.info.tags_count).toBe(2);
    expect(await tagsOf('kept')).toEqual({ a: '1', b: '2' });
    await copy(harness, 'from', 'new', { bucket, attributes: { tags: { c: '3' } }, replace_tags: true });
    expect(await tagsOf('new')).toEqual({ c: '3' });
    await copy(harness, 'from', 'none', { bucket, replace_tags: true });
    expect(await tagsOf('none')).toEqual({});
  });

  test('an object copied onto itself changes only what is replaced', async () => {
    const bucket = await harness.bucket();
    for (const size_bytes of [100, 1_400_000]) {
      const bytes = bytesOf(4, size_bytes);
      await put(harness, bucket, 'key', bytes, { attributes: ATTRIBUTES });
      await copy(harness, 'key', 'key', {
        bucket,
        attributes: { metadata: { colour: 'red' } },
        replace_attributes: true,
      });
      const { info } = await harness.store.headObject({ bucket, key: 'key' });
      expect(info).toMatchObject({ metadata: { colour: 'red' }, headers: {}, etag: hex('md5', bytes) });
      await harness.store.maintain({ now_ms: Date.now() });
      expectBytes(await get(harness, bucket, 'key'), bytes);
    }
  });
}

function absence(harness: Harness): void {
  test('a source that is not there is named, and nothing is written', async () => {
    const bucket = await harness.bucket();
    await put(harness, bucket, 'to', 'before');
    await failure(copy(harness, 'none', 'to', { bucket }), 'not_found', 'object');
    const elsewhere = { bucket: harness.bucketName(), key: 'none' };
    await failure(copy(harness, 'none', 'to', { bucket, source: elsewhere }), 'not_found', 'bucket');
    expect(await getText(harness, bucket, 'to')).toBe('before');
  });
}

function versions(harness: Harness): void {
  testWith(harness, 'versioning', 'any version can be copied, also onto its own key', async () => {
    const bucket = await harness.versionedBucket();
    const first = await put(harness, bucket, 'key', 'first');
    const second = await put(harness, bucket, 'key', 'second');
    const source = { bucket, key: 'key', version_id: first.version_id };
    const restored = await copy(harness, 'key', 'key', { bucket, source });
    expect(restored.source_version_id).toBe(first.version_id);
    expect([first.version_id, second.version_id]).not.toContain(restored.info.version_id);
    expect(await getText(harness, bucket, 'key')).toBe('first');
    expect(await getText(harness, bucket, 'key', { version_id: second.version_id })).toBe('second');
    const latest = await copy(harness, 'key', 'copy', { bucket });
    expect(latest.source_version_id).toBe(restored.info.version_id);
  });

  testWith(harness, 'versioning', 'a delete marker or an unknown version is no source', async () => {
    const bucket = await harness.versionedBucket();
    const { version_id } = await put(harness, bucket, 'key', 'content');
    const marker = await harness.store.deleteObject({ bucket, key: 'key' });
    await failure(copy(harness, 'key', 'to', { bucket }), ['delete_marker', 'not_found']);
    const named = { bucket, key: 'key', version_id: marker.version_id ?? '' };
    await failure(copy(harness, 'key', 'to', { bucket, source: named }), 'delete_marker');
    const unknown = { bucket, key: 'other', version_id };
    await failure(copy(harness, 'key', 'to', { bucket, source: unknown }), 'not_found', [
      'object',
      'version',
    ]);
    await failure(harness.store.headObject({ bucket, key: 'to' }), 'not_found', 'object');
    await copy(harness, 'key', 'to', { bucket, source: { bucket, key: 'key', version_id } });
    expect(await getText(harness, bucket, 'to')).toBe('content');
  });
}
