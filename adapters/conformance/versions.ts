import { describe, expect } from 'vitest';
import type { ListEntry, ListVersionsInput, VersionEntry, VersionPosition } from '../contract/index.js';
import { bytesOf } from './support/bytes.js';
import { at, deviates, expectBytes, failure, seenLater } from './support/expect.js';
import { get, getText, type Harness, OWNER, put, testWith } from './support/harness.js';
import { namesOf, PREFIX_MARK, walk } from './support/listing.js';

export function versionTests(harness: Harness): void {
  describe('versions', () => {
    unversioned(harness);
    enabled(harness);
    deleteMarkers(harness);
    promotion(harness);
    suspended(harness);
    listing(harness);
    concurrency(harness);
  });
}

type Query = Omit<ListVersionsInput, 'bucket' | 'limit' | 'signal'>;

function listAll(harness: Harness, bucket: string, limit: number, query: Query = {}) {
  return walk<ListEntry<VersionEntry>, VersionPosition>(limit, (after = query.after) =>
    harness.store.listVersions({ bucket, limit, ...query, ...(after !== undefined && { after }) }),
  );
}

function itemsOf(entries: readonly ListEntry<VersionEntry>[]): VersionEntry[] {
  return entries.flatMap((entry) => (entry.type === 'item' ? [entry.item] : []));
}

/** `version` of each entry of one key, newest first; delete markers with a leading `x`, the latest with a trailing `*`. */
async function history(harness: Harness, bucket: string, key: string): Promise<string[]> {
  const { entries } = await harness.store.listVersions({ bucket, prefix: key, limit: 100 });
  return itemsOf(entries)
    .filter((item) => item.key === key)
    .map((item) => `${item.delete_marker ? 'x' : ''}${item.version_id}${item.is_latest ? '*' : ''}`);
}

function unversioned(harness: Harness): void {
  testWith(harness, 'versioning', 'an unversioned object has the one version `null`', async () => {
    const bucket = await harness.bucket();
    await put(harness, bucket, 'key', 'first');
    const info = await put(harness, bucket, 'key', 'second');
    expect(info.version_id).toBe('null');
    expect(await history(harness, bucket, 'key')).toEqual(['null*']);
    expect(await getText(harness, bucket, 'key', { version_id: 'null' })).toBe('second');
  });
}

function enabled(harness: Harness): void {
  testWith(harness, 'versioning', 'every write makes a version that stays readable', async () => {
    const bucket = await harness.versionedBucket();
    const contents = [bytesOf(1, 10), bytesOf(2, 900_000), bytesOf(3, 0), bytesOf(1, 10)];
    const infos = [];
    for (const content of contents) {
      const info = await put(harness, bucket, 'key', content);
      expect(info.is_latest).toBe(true);
      infos.push(info);
    }
    const ids = infos.map((info) => info.version_id);
    expect(new Set(ids).size).toBe(contents.length);
    expect(ids).not.toContain('null');
    for (const [index, version_id] of ids.entries()) {
      expectBytes(await get(harness, bucket, 'key', { version_id }), at(contents, index));
      const { info } = await harness.store.headObject({ bucket, key: 'key', version_id });
      expect(info).toEqual({ ...seenLater(harness, at(infos, index)), is_latest: index === ids.length - 1 });
    }
    expect((await harness.store.headObject({ bucket, key: 'key' })).info.version_id).toBe(ids.at(-1));
    const newest_first = ids.toReversed();
    expect(await history(harness, bucket, 'key')).toEqual([`${newest_first[0]}*`, ...newest_first.slice(1)]);
  });

  testWith(harness, 'versioning', 'a version of another key is not found', async () => {
    const bucket = await harness.versionedBucket();
    const { version_id } = await put(harness, bucket, 'other', 'content');
    await put(harness, bucket, 'key', 'content');
    for (const key of ['key', 'never written']) {
      const address = { bucket, key, version_id };
      await failure(harness.store.getObject(address), 'not_found', 'version');
      await failure(harness.store.headObject(address), 'not_found', 'version');
    }
  });

  testWith(harness, 'versioning', 'what was written before versioning stays as version `null`', async () => {
    const bucket = await harness.bucket();
    await put(harness, bucket, 'key', 'before');
    await harness.store.putVersioning({ bucket, versioning: 'enabled' });
    expect(await history(harness, bucket, 'key')).toEqual(['null*']);
    const { version_id } = await put(harness, bucket, 'key', 'after');
    expect(await history(harness, bucket, 'key')).toEqual([`${version_id}*`, 'null']);
    expect(await getText(harness, bucket, 'key', { version_id: 'null' })).toBe('before');
    await harness.store.deleteObject({ bucket, key: 'key', version_id: 'null' });
    expect(await history(harness, bucket, 'key')).toEqual([`${version_id}*`]);
  });

  testWith(harness, 'versioning', 'one version is deleted, the others stay', async () => {
    const bucket = await harness.versionedBucket();
    const ids: string[] = [];
    for (const text of ['1', '2', '3']) ids.push((await put(harness, bucket, 'key', text)).version_id);
    const [first = '', second = '', third = ''] = ids;
    const result = await harness.store.deleteObject({ bucket, key: 'key', version_id: second });
    expect(result).toEqual({ version_id: second, delete_marker: false });
    expect(await history(harness, bucket, 'key')).toEqual([`${third}*`, first]);
    const gone = { bucket, key: 'key', version_id: second };
    await failure(harness.store.getObject(gone), 'not_found', 'version');
    await harness.store.deleteObject(gone);
    expect(await history(harness, bucket, 'key')).toEqual([`${third}*`, first]);
    expect(await getText(harness, bucket, 'key', { version_id: first })).toBe('1');
    expect(await getText(harness, bucket, 'key')).toBe('3');
  });
}

function deleteMarkers(harness: Harness): void {
  testWith(harness, 'versioning', 'a delete hides an object behind a marker', async () => {
    const { store } = harness;
    const bucket = await harness.versionedBucket();
    const { version_id } = await put(harness, bucket, 'key', 'content');
    const { version_id: marker = '', delete_marker } = await store.deleteObject({
      bucket,
      key: 'key',
      owner: OWNER,
    });
    expect(delete_marker).toBe(true);
    expect(await history(harness, bucket, 'key')).toEqual([`x${marker}*`, version_id]);
    for (const address of [
      { bucket, key: 'key' },
      { bucket, key: 'key', version_id: marker },
    ]) {
      for (const method of ['getObject', 'headObject'] as const) {
        const error = await failure(store[method](address), 'delete_marker');
        expect(error.detail.version_id).toBe(marker);
        expect(error.detail.modified_at_ms).toBeTypeOf('number');
      }
    }
    expect(await getText(harness, bucket, 'key', { version_id })).toBe('content');
    const [entry] = itemsOf((await store.listVersions({ bucket, limit: 1 })).entries);
    expect(entry).toMatchObject({ key: 'key', delete_marker: true, is_latest: true, owner: OWNER });
  });

  testWith(harness, 'versioning', 'every delete without a version makes a marker', async () => {
    const bucket = await harness.versionedBucket();
    if (deviates(harness.store, 'no_markers_of_absent_keys')) return;
    const ids: string[] = [];
    for (let round = 0; round < 3; round++) {
      const result = await harness.store.deleteObject({ bucket, key: 'never written' });
      expect(result.delete_marker).toBe(true);
      ids.push(`x${result.version_id}`);
    }
    const [third, second, first] = ids.toReversed();
    expect(await history(harness, bucket, 'never written')).toEqual([`${third}*`, second, first]);
  });

  testWith(harness, 'versioning', 'removing the marker brings the object back', async () => {
    const bucket = await harness.versionedBucket();
    const { version_id } = await put(harness, bucket, 'key', 'content');
    const { version_id: marker = '' } = await harness.store.deleteObject({ bucket, key: 'key' });
    const result = await harness.store.deleteObject({ bucket, key: 'key', version_id: marker });
    expect(result).toEqual({ version_id: marker, delete_marker: true });
    expect(await getText(harness, bucket, 'key')).toBe('content');
    expect(await history(harness, bucket, 'key')).toEqual([`${version_id}*`]);
    expect(namesOf((await harness.store.listObjects({ bucket, limit: 9 })).entries)).toEqual(['key']);
  });
}

function promotion(harness: Harness): void {
  testWith(harness, 'versioning', 'deleting the latest version promotes the one before', async () => {
    const bucket = await harness.versionedBucket();
    const ids: string[] = [];
    for (const text of ['1', '2', '3']) ids.push((await put(harness, bucket, 'key', text)).version_id);
    while (ids.length > 0) {
      expect(await getText(harness, bucket, 'key')).toBe(String(ids.length));
      const { info } = await harness.store.headObject({ bucket, key: 'key' });
      expect(info).toMatchObject({ version_id: ids.at(-1), is_latest: true });
      await harness.store.deleteObject({ bucket, key: 'key', version_id: ids.pop() ?? '' });
    }
    await failure(harness.store.getObject({ bucket, key: 'key' }), 'not_found', 'object');
    expect(await history(harness, bucket, 'key')).toEqual([]);
    expect((await harness.store.listObjects({ bucket, limit: 1 })).entries).toEqual([]);
  });

  testWith(harness, 'versioning', 'a promoted delete marker hides the object', async () => {
    const bucket = await harness.versionedBucket();
    const old = await put(harness, bucket, 'key', 'old');
    const { version_id: marker } = await harness.store.deleteObject({ bucket, key: 'key' });
    const latest = await put(harness, bucket, 'key', 'new');
    await harness.store.deleteObject({ bucket, key: 'key', version_id: latest.version_id });
    await failure(harness.store.getObject({ bucket, key: 'key' }), 'delete_marker');
    expect(await history(harness, bucket, 'key')).toEqual([`x${marker}*`, old.version_id]);
    expect((await harness.store.listObjects({ bucket, limit: 1 })).entries).toEqual([]);
  });
}

function suspended(harness: Harness): void {
  testWith(harness, 'versioning', 'a suspended bucket replaces the null version only', async () => {
    const { store } = harness;
    const bucket = await harness.versionedBucket();
    const kept = await put(harness, bucket, 'key', 'kept');
    await store.putVersioning({ bucket, versioning: 'suspended' });
    expect((await put(harness, bucket, 'key', 'first null')).version_id).toBe('null');
    await put(harness, bucket, 'key', 'second null');
    expect(await history(harness, bucket, 'key')).toEqual(['null*', kept.version_id]);
    expect(await getText(harness, bucket, 'key')).toBe('second null');
    expect(await getText(harness, bucket, 'key', { version_id: kept.version_id })).toBe('kept');

    const result = await store.deleteObject({ bucket, key: 'key' });
    expect(result).toEqual({ version_id: 'null', delete_marker: true });
    expect(await history(harness, bucket, 'key')).toEqual(['xnull*', kept.version_id]);
    await put(harness, bucket, 'key', 'third null');
    expect(await history(harness, bucket, 'key')).toEqual(['null*', kept.version_id]);
    await store.deleteObject({ bucket, key: 'key', version_id: 'null' });
    expect(await getText(harness, bucket, 'key')).toBe('kept');
  });

  testWith(harness, 'versioning', 'a null version keeps its place when versioning goes on', async () => {
    const { store } = harness;
    const bucket = await harness.versionedBucket();
    const first = await put(harness, bucket, 'key', 'first');
    await store.putVersioning({ bucket, versioning: 'suspended' });
    await put(harness, bucket, 'key', 'null');
    await store.putVersioning({ bucket, versioning: 'enabled' });
    const last = await put(harness, bucket, 'key', 'last');
    const order = [`${last.version_id}*`, 'null', first.version_id];
    expect(await history(harness, bucket, 'key')).toEqual(order);
    await store.putVersioning({ bucket, versioning: 'suspended' });
    await put(harness, bucket, 'key', 'null again');
    expect(await history(harness, bucket, 'key')).toEqual(['null*', last.version_id, first.version_id]);
    if (deviates(store, 'no_markers_of_absent_keys')) return;
    const { version_id: marker } = await store.deleteObject({ bucket, key: 'other' });
    expect(marker).toBe('null');
    expect(await history(harness, bucket, 'other')).toEqual(['xnull*']);
  });
}

/** Keys with several versions and markers; what must be listed, in order. */
async function fillVersions(harness: Harness, bucket: string): Promise<string[]> {
  const expected: string[] = [];
  for (const key of ['a', 'a\u0001', 'b/1', 'b/2', 'c', '\uffff', '\u{1f600}']) {
    const ids: string[] = [];
    for (const text of ['1', '2', '3']) ids.unshift((await put(harness, bucket, key, text)).version_id);
    if (key !== 'c') ids.unshift((await harness.store.deleteObject({ bucket, key })).version_id ?? '');
    expected.push(...ids.map((id) => `${key} ${id}`));
  }
  return expected;
}

function shown(entries: readonly ListEntry<VersionEntry>[]): string[] {
  return entries.map((entry) =>
    entry.type === 'item' ? `${entry.item.key} ${entry.item.version_id}` : PREFIX_MARK + entry.prefix,
  );
}

function listing(harness: Harness): void {
  testWith(
    harness,
    'versioning',
    'versions are listed by key, newest first, at every page size',
    async () => {
      const bucket = await harness.versionedBucket();
      const expected = await fillVersions(harness, bucket);
      for (const limit of [1, 2, 3, 4, 5, 7, expected.length, expected.length + 1]) {
        const entries = await listAll(harness, bucket, limit);
        expect(shown(entries)).toEqual(expected);
        const latest = itemsOf(entries).filter((item) => item.is_latest);
        expect(new Set(latest.map((item) => item.key)).size).toBe(latest.length);
        expect(latest).toHaveLength(7);
      }
      expect((await harness.store.listVersions({ bucket, limit: expected.length })).next).toBeNull();
    },
  );

  testWith(harness, 'versioning', 'prefix and delimiter work on versions too', async () => {
    const bucket = await harness.versionedBucket();
    const expected = await fillVersions(harness, bucket);
    const outside = expected.filter((line) => !line.startsWith('b/'));
    const grouped = [...outside.slice(0, 8), `${PREFIX_MARK}b/`, ...outside.slice(8)];
    for (const limit of [1, 2, 6, 100]) {
      expect(shown(await listAll(harness, bucket, limit, { delimiter: '/' }))).toEqual(grouped);
      const under = await listAll(harness, bucket, limit, { prefix: 'b/' });
      expect(shown(under)).toEqual(expected.filter((line) => line.startsWith('b/')));
      const after = { key: 'b/' };
      const rest = await listAll(harness, bucket, limit, { delimiter: '/', after });
      expect(shown(rest)).toEqual(outside.slice(8));
    }
  });

  testWith(harness, 'versioning', 'a listing begins behind a key or one of its versions', async () => {
    const bucket = await harness.versionedBucket();
    const expected = await fillVersions(harness, bucket);
    for (const [index, line] of expected.entries()) {
      const [key = '', version_id = ''] = line.split(' ');
      const behind = await harness.store.listVersions({ bucket, after: { key, version_id }, limit: 100 });
      expect(shown(behind.entries)).toEqual(expected.slice(index + 1));
      const behind_key = await harness.store.listVersions({ bucket, after: { key }, limit: 100 });
      const last = expected.findLastIndex((other) => other.startsWith(`${key} `));
      expect(shown(behind_key.entries)).toEqual(expected.slice(last + 1));
    }
  });

  testWith(harness, 'versioning', 'an entry says what headObject says of that version', async () => {
    const bucket = await harness.versionedBucket();
    await put(harness, bucket, 'key', 'first');
    await put(harness, bucket, 'key', 'second version');
    for (const item of itemsOf((await harness.store.listVersions({ bucket, limit: 9 })).entries)) {
      if (item.delete_marker) throw new Error('nothing was deleted');
      const { version_id } = item;
      const { info } = await harness.store.headObject({ bucket, key: 'key', version_id });
      const { key, etag, size_bytes, storage_class, is_latest } = info;
      expect(item).toMatchObject({ key, etag, size_bytes, storage_class, is_latest });
    }
  });
}

function concurrency(harness: Harness): void {
  testWith(harness, 'versioning', 'twenty writers at once make twenty versions', async () => {
    const bucket = await harness.versionedBucket();
    const texts = Array.from({ length: 20 }, (_, n) => `writer ${n}`);
    const infos = await Promise.all(texts.map((text) => put(harness, bucket, 'key', text)));
    const ids = new Set(infos.map((info) => info.version_id));
    expect(ids.size).toBe(20);
    for (const [index, text] of texts.entries()) {
      expect(await getText(harness, bucket, 'key', { version_id: at(infos, index).version_id })).toBe(text);
    }
    const items = itemsOf((await harness.store.listVersions({ bucket, limit: 100 })).entries);
    expect(new Set(items.map((item) => item.version_id))).toEqual(ids);
    expect(items.filter((item) => item.is_latest)).toEqual([at(items, 0)]);
    const { info } = await harness.store.headObject({ bucket, key: 'key' });
    expect(info.version_id).toBe(at(items, 0).version_id);
  });
}
