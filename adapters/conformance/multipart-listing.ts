import { describe, expect } from 'vitest';
import type { ListEntry, ListUploadsInput, PartInfo, UploadInfo, UploadPosition } from '../contract/index.js';
import { bytesOf, utf8 } from './support/bytes.js';
import { at, failure, seenLater } from './support/expect.js';
import { type Harness, OTHER_OWNER, OWNER, put, testWith } from './support/harness.js';
import { storable } from './support/keys.js';
import { expectedListing, inByteOrder, namesOf, walk } from './support/listing.js';
import { beginUpload, complete, fullPart, putParts, sendPart, type Upload } from './support/multipart.js';

export function multipartListingTests(harness: Harness): void {
  describe('listings of uploads and parts', () => {
    uploads(harness);
    uploadPages(harness);
    parts(harness);
    objectParts(harness);
  });
}

type Query = Omit<ListUploadsInput, 'bucket' | 'limit' | 'signal'>;

function listUploads(harness: Harness, bucket: string, limit: number, query: Query = {}) {
  return walk<ListEntry<UploadInfo>, UploadPosition>(limit, (after = query.after) =>
    harness.store.listUploads({ bucket, limit, ...query, ...(after !== undefined && { after }) }),
  );
}

function uploads(harness: Harness): void {
  testWith(harness, 'multipart', 'an upload shows who began it and how', async () => {
    const { store } = harness;
    const bucket = await harness.bucket();
    const created = await store.createUpload({
      bucket,
      key: 'key',
      attributes: { owner: OWNER, storage_class: 'STANDARD_IA' },
      initiator: OTHER_OWNER,
    });
    expect(created).toMatchObject({
      key: 'key',
      owner: OWNER,
      initiator: OTHER_OWNER,
      storage_class: 'STANDARD_IA',
      checksum: null,
    });
    expect(Math.abs(created.created_at_ms - Date.now())).toBeLessThan(15 * 60_000);
    const { entries, next } = await store.listUploads({ bucket, limit: 10 });
    expect(entries).toEqual([{ type: 'item', item: created }]);
    expect(next).toBeNull();
    const { upload } = await store.listParts({ bucket, key: 'key', upload_id: created.upload_id, limit: 1 });
    expect(upload).toEqual(created);
  });
}

async function beginMany(harness: Harness, bucket: string, keys: readonly string[]): Promise<void> {
  for (const key of keys) await beginUpload(harness, bucket, key);
}

function ids(entries: readonly ListEntry<UploadInfo>[]): string[] {
  return entries.map((entry) => (entry.type === 'item' ? entry.item.upload_id : entry.prefix));
}

function uploadPages(harness: Harness): void {
  const all_keys = ['a', 'a', 'a', 'b/1', 'b/1', 'b/2', 'c', '\uffff', '\u{1f600}', '\u{1f600}'];

  testWith(harness, 'multipart', 'uploads are listed by key and time, at every page size', async () => {
    const bucket = await harness.bucket();
    const keys = storable(harness, all_keys);
    await beginMany(harness, bucket, keys.toReversed());
    const whole = await listUploads(harness, bucket, 1_000);
    expect(namesOf(whole)).toEqual(inByteOrder(keys));
    for (const [index, entry] of whole.entries()) {
      const before = whole[index - 1];
      if (entry.type !== 'item' || before?.type !== 'item' || before.item.key !== entry.item.key) continue;
      expect(entry.item.created_at_ms).toBeGreaterThanOrEqual(before.item.created_at_ms);
    }
    for (let limit = 1; limit <= keys.length + 1; limit++) {
      expect(ids(await listUploads(harness, bucket, limit))).toEqual(ids(whole));
    }
  });

  testWith(harness, 'multipart', 'prefix, delimiter and markers narrow a listing of uploads', async () => {
    const bucket = await harness.bucket();
    const keys = storable(harness, all_keys);
    const last_keys = keys.slice(keys.indexOf('c'));
    await beginMany(harness, bucket, keys);
    const whole = await listUploads(harness, bucket, 1_000);
    for (const limit of [1, 2, 100]) {
      const grouped = namesOf(await listUploads(harness, bucket, limit, { delimiter: '/' }));
      expect(grouped).toEqual(['a', 'a', 'a', 'PRE b/', ...last_keys]);
      const under = namesOf(await listUploads(harness, bucket, limit, { prefix: 'b/' }));
      expect(under).toEqual(['b/1', 'b/1', 'b/2']);
    }
    for (const [index, entry] of whole.entries()) {
      if (entry.type !== 'item') throw new Error('a prefix without a delimiter');
      const { key, upload_id } = entry.item;
      const behind = await harness.store.listUploads({ bucket, after: { key, upload_id }, limit: 100 });
      expect(ids(behind.entries)).toEqual(ids(whole.slice(index + 1)));
      const behind_key = await harness.store.listUploads({ bucket, after: { key }, limit: 100 });
      const last = namesOf(whole).lastIndexOf(key);
      expect(ids(behind_key.entries)).toEqual(ids(whole.slice(last + 1)));
    }
    const inside = await harness.store.listUploads({
      bucket,
      delimiter: '/',
      after: { key: 'b/1' },
      limit: 100,
    });
    expect(namesOf(inside.entries)).toEqual(last_keys);
  });

  testWith(harness, 'multipart', 'uploads of odd keys are listed like objects', async () => {
    const bucket = await harness.bucket();
    const odd = storable(harness, ['/', '//a', 'a//b', '..', 'a\u0001', ' ', 'ä', '日本']);
    await beginMany(harness, bucket, odd);
    for (const query of [{}, { delimiter: '/' }, { prefix: 'a' }]) {
      expect(namesOf(await listUploads(harness, bucket, 3, query))).toEqual(expectedListing(odd, query));
    }
  });
}

async function sendSmallParts(harness: Harness, upload: Upload, numbers: readonly number[]) {
  const sent: PartInfo[] = [];
  for (const n of numbers) sent.push(await sendPart(harness, upload, n, bytesOf(n, 10 + (n % 7))));
  return sent.sort((a, b) => a.part_number - b.part_number);
}

function parts(harness: Harness): void {
  testWith(harness, 'multipart', 'parts are listed by number, at every page size', async () => {
    const { store } = harness;
    const bucket = await harness.bucket();
    const upload = await beginUpload(harness, bucket, 'key');
    const sent = await sendSmallParts(harness, upload, [300, 2, 9, 10_000, 1, 256, 255, 10]);
    for (let limit = 1; limit <= sent.length + 1; limit++) {
      const listed = await walk<PartInfo, number>(limit, async (after) => {
        const page = await store.listParts({ ...upload, limit, ...(after !== undefined && { after }) });
        return { entries: page.parts, next: page.next };
      });
      expect(listed).toEqual(sent.map((part) => seenLater(harness, part)));
    }
    const behind = await store.listParts({ ...upload, after: 10, limit: 2 });
    expect(behind.parts.map((part) => part.part_number)).toEqual([255, 256]);
    expect(behind.next).not.toBeNull();
    expect(await store.listParts({ ...upload, after: 10_000, limit: 2 })).toMatchObject({
      parts: [],
      next: null,
    });
    expect(at(sent, 0)).toMatchObject({ part_number: 1, size_bytes: 11 });
    expect(Math.abs(at(sent, 0).modified_at_ms - Date.now())).toBeLessThan(15 * 60_000);
  });
}

function objectParts(harness: Harness): void {
  testWith(harness, 'multipart', 'a finished object knows its parts', async () => {
    const { store } = harness;
    const bucket = await harness.bucket();
    const contents = [fullPart(harness, 1), fullPart(harness, 2, 5), bytesOf(3, 9)];
    const info = await putParts(harness, bucket, 'key', contents);
    const sizes = contents.map((content, index) => ({ part_number: index + 1, size_bytes: content.length }));
    for (const limit of [1, 2, 3, 4]) {
      const listed = await walk(limit, async (after?: number) => {
        const page = await store.listObjectParts({
          bucket,
          key: 'key',
          limit,
          ...(after !== undefined && { after }),
        });
        expect(page.info).toEqual(seenLater(harness, info));
        return { entries: page.parts, next: page.next };
      });
      expect(listed).toMatchObject(sizes);
    }
  });

  testWith(harness, 'multipart', 'an object of one piece has no parts', async () => {
    const { store } = harness;
    const bucket = await harness.bucket();
    const info = await put(harness, bucket, 'key', 'content');
    const listed = await store.listObjectParts({ bucket, key: 'key', limit: 10 });
    expect(listed).toEqual({ info: seenLater(harness, info), parts: [], next: null });
    await failure(store.listObjectParts({ bucket, key: 'none', limit: 1 }), 'not_found', 'object');
  });

  testWith(harness, ['multipart', 'versioning'], 'each version has its own parts', async () => {
    const { store } = harness;
    const bucket = await harness.versionedBucket();
    const old = await putParts(harness, bucket, 'key', [utf8('old')]);
    const upload = await beginUpload(harness, bucket, 'key');
    await complete(harness, upload, [await sendPart(harness, upload, 1, utf8('latest'))]);
    const named = { bucket, key: 'key', version_id: old.version_id, limit: 9 };
    expect((await store.listObjectParts(named)).parts).toMatchObject([{ size_bytes: 3 }]);
    expect((await store.listObjectParts({ bucket, key: 'key', limit: 9 })).parts).toMatchObject([
      { size_bytes: 6 },
    ]);
    await store.deleteObject({ bucket, key: 'key' });
    await failure(store.listObjectParts({ bucket, key: 'key', limit: 9 }), 'delete_marker');
  });
}
