import { describe, expect } from 'vitest';
import type { Change } from '../contract/index.js';
import { bytesOf, failingStreamOf, utf8 } from './support/bytes.js';
import { at, rejection } from './support/expect.js';
import { type Harness, put, testWith } from './support/harness.js';
import { beginUpload, complete, sendPart } from './support/multipart.js';

const PAGE = 500;
const WAIT_MS_MAX = 10_000;

export function changeTests(harness: Harness): void {
  describe('changes', () => {
    everyWrite(harness);
    versions(harness);
    buckets(harness);
    order(harness);
    cursors(harness);
    waiting(harness);
  });
}

/** The end of the feed; others may be writing to the same store. */
async function endOfFeed(harness: Harness): Promise<string | null> {
  let after: string | null = null;
  for (;;) {
    const page = await harness.store.readChanges({ after, limit: PAGE });
    after = page.cursor;
    if (page.changes.length === 0) return after;
  }
}

/** The next `count` changes of one bucket; a feed may lag behind the writes. */
async function nextChanges(
  harness: Harness,
  bucket: string,
  from: string | null,
  count: number,
): Promise<Change[]> {
  const found: Change[] = [];
  const signal = AbortSignal.timeout(WAIT_MS_MAX);
  for (let after = from; found.length < count && !signal.aborted; ) {
    const page = await harness.store.readChanges({ after, limit: PAGE });
    expect(page.gap).toBe(false);
    found.push(...page.changes.filter((change) => change.bucket === bucket));
    after = page.cursor;
    if (page.changes.length === 0) await harness.store.waitForChange({ after, signal });
  }
  return found;
}

function summary(changes: readonly Change[]): string[] {
  return changes.map(({ type, key }) => (key === '' ? type : `${type} ${key}`));
}

function everyWrite(harness: Harness): void {
  testWith(harness, 'change_feed', 'every write is one change, with what it wrote', async () => {
    const { store } = harness;
    const bucket = await harness.bucket();
    const from = await endOfFeed(harness);
    const first = await put(harness, bucket, 'a', 'first');
    const second = await put(harness, bucket, 'a', bytesOf(1, 900_000));
    const how = { replace_attributes: false, replace_tags: false };
    const copied = await store.copyObject({ source: { bucket, key: 'a' }, bucket, key: 'b', ...how });
    await store.deleteObject({ bucket, key: 'a' });
    await store.deleteObjects({ bucket, objects: [{ key: 'b' }] });
    const changes = await nextChanges(harness, bucket, from, 5);
    expect(summary(changes)).toEqual(['put a', 'put a', 'put b', 'delete a', 'delete b']);
    for (const [index, info] of [first, second, copied.info].entries()) {
      const { etag, size_bytes, version_id } = info;
      expect(at(changes, index)).toMatchObject({ etag, size_bytes, version_id });
    }
    expect(at(changes, 3)).toMatchObject({ etag: '', version_id: 'null' });
    for (const { at_ms } of changes) expect(Math.abs(at_ms - Date.now())).toBeLessThan(15 * 60_000);
  });

  testWith(
    harness,
    ['change_feed', 'multipart'],
    'an upload is one change, when it is completed',
    async () => {
      const { store } = harness;
      const bucket = await harness.bucket();
      const from = await endOfFeed(harness);
      const upload = await beginUpload(harness, bucket, 'key');
      const part = await sendPart(harness, upload, 1, utf8('content'));
      const info = await complete(harness, upload, [part]);
      await complete(harness, upload, [part]);
      const aborted = await beginUpload(harness, bucket, 'aborted');
      await store.abortUpload(aborted);
      await put(harness, bucket, 'last', 'x');
      const changes = await nextChanges(harness, bucket, from, 2);
      expect(summary(changes)).toEqual(['put key', 'put last']);
      expect(at(changes, 0)).toMatchObject({ etag: info.etag, size_bytes: 7, version_id: info.version_id });
    },
  );

  testWith(harness, ['change_feed', 'tagging'], 'tags are a change of metadata', async () => {
    const bucket = await harness.bucket();
    const { version_id } = await put(harness, bucket, 'key', 'content');
    const from = await endOfFeed(harness);
    await harness.store.putTags({ bucket, key: 'key', tags: { a: '1' } });
    const [change] = await nextChanges(harness, bucket, from, 1);
    expect(change).toMatchObject({ type: 'metadata', key: 'key', version_id });
  });

  testWith(harness, ['change_feed', 'object_lock'], 'locks are a change of metadata', async () => {
    const bucket = await harness.bucket({ object_lock: true });
    await put(harness, bucket, 'key', 'content');
    const from = await endOfFeed(harness);
    const object = { bucket, key: 'key' };
    const retention = {
      mode: 'GOVERNANCE',
      until_ms: Math.ceil(Date.now() / 1_000) * 1_000 + 60_000,
    } as const;
    await harness.store.putRetention({ ...object, retention });
    await harness.store.putLegalHold({ ...object, legal_hold: true });
    const changes = await nextChanges(harness, bucket, from, 2);
    expect(summary(changes)).toEqual(['metadata key', 'metadata key']);
  });

  testWith(harness, 'change_feed', 'what fails or changes nothing is no change', async () => {
    const { store } = harness;
    const bucket = await harness.bucket();
    const from = await endOfFeed(harness);
    await rejection(put(harness, bucket, 'a', 'text', { size_bytes: 9 }));
    const body = failingStreamOf(bytesOf(1, 900_000), new Error('gone'));
    await rejection(store.putObject({ bucket, key: 'a', body, size_bytes: 1_000_000 }));
    await store.deleteObject({ bucket, key: 'never written' });
    await store.headBucket({ bucket });
    await put(harness, bucket, 'last', 'x');
    expect(summary(await nextChanges(harness, bucket, from, 1))).toEqual(['put last']);
  });
}

function versions(harness: Harness): void {
  testWith(
    harness,
    ['change_feed', 'versioning'],
    'markers and deleted versions are told apart',
    async () => {
      const { store } = harness;
      const bucket = await harness.versionedBucket();
      const from = await endOfFeed(harness);
      const first = await put(harness, bucket, 'key', 'first');
      await put(harness, bucket, 'key', 'second');
      const marker = await store.deleteObject({ bucket, key: 'key' });
      const version_id = marker.version_id ?? '';
      await store.deleteObject({ bucket, key: 'key', version_id: first.version_id });
      await store.deleteObject({ bucket, key: 'key', version_id });
      const changes = await nextChanges(harness, bucket, from, 5);
      expect(changes.map((change) => change.type)).toEqual([
        'put',
        'put',
        'delete_marker',
        'delete',
        'delete',
      ]);
      expect(changes.slice(2).map((change) => change.version_id)).toEqual([
        version_id,
        first.version_id,
        version_id,
      ]);
    },
  );
}

function buckets(harness: Harness): void {
  testWith(harness, 'change_feed', 'buckets come, change and go', async () => {
    const { store } = harness;
    const from = await endOfFeed(harness);
    const bucket = await harness.bucket();
    const expected = ['bucket_created'];
    if (store.capabilities.versioning) {
      await store.putVersioning({ bucket, versioning: 'enabled' });
      expected.push('bucket_changed');
    }
    if (store.capabilities.bucket_documents) {
      await store.putDocument({ bucket, kind: 'policy', content: '{}' });
      await store.deleteDocument({ bucket, kind: 'policy' });
      expected.push('bucket_changed', 'bucket_changed');
    }
    await store.deleteBucket({ bucket });
    expected.push('bucket_deleted');
    const changes = await nextChanges(harness, bucket, from, expected.length);
    expect(summary(changes)).toEqual(expected);
  });
}

function order(harness: Harness): void {
  testWith(harness, 'change_feed', 'the last change of a key is what the key holds', async () => {
    const { store } = harness;
    const bucket = await harness.bucket();
    const from = await endOfFeed(harness);
    const keys = ['a', 'b', 'c'];
    await Promise.all(
      Array.from({ length: 60 }, (_, n) => put(harness, bucket, keys[n % 3] ?? '', `content ${n}`)),
    );
    const changes = await nextChanges(harness, bucket, from, 60);
    expect(changes).toHaveLength(60);
    expect(new Set(changes.map((change) => change.cursor)).size).toBe(60);
    for (const key of keys) {
      const last = changes.findLast((change) => change.key === key);
      expect((await store.headObject({ bucket, key })).info.etag).toBe(last?.etag);
    }
  });
}

function cursors(harness: Harness): void {
  testWith(harness, 'change_feed', 'pages of any size give the same changes', async () => {
    const { store } = harness;
    const bucket = await harness.bucket();
    const from = await endOfFeed(harness);
    for (let n = 0; n < 7; n++) await put(harness, bucket, `key ${n}`, 'content');
    const whole = await nextChanges(harness, bucket, from, 7);
    for (let limit = 1; limit <= 8; limit++) {
      const found: Change[] = [];
      for (let after = from; found.length < 7; ) {
        const page = await store.readChanges({ after, limit });
        expect(page.changes.length).toBeLessThanOrEqual(limit);
        expect(page.changes.length).toBeGreaterThan(0);
        expect(page.cursor).toBe(page.changes.at(-1)?.cursor);
        found.push(...page.changes.filter((change) => change.bucket === bucket));
        after = page.cursor;
      }
      expect(found).toEqual(whole);
    }
  });

  testWith(harness, 'change_feed', 'a cursor at the end stays where it is', async () => {
    const { store } = harness;
    await harness.bucket();
    const end = await endOfFeed(harness);
    expect(end).not.toBeNull();
    const page = await store.readChanges({ after: end, limit: 10 });
    if (page.changes.length === 0) expect(page).toEqual({ changes: [], cursor: end, gap: false });
  });
}

function waiting(harness: Harness): void {
  testWith(harness, 'change_feed', 'a waiting reader is woken by the next write', async () => {
    const { store } = harness;
    const bucket = await harness.bucket();
    const after = await endOfFeed(harness);
    const { signal } = new AbortController();
    const waits = [1, 2, 3].map(() => store.waitForChange({ after, signal }));
    await put(harness, bucket, 'key', 'content');
    await Promise.all(waits);
    const [change] = await nextChanges(harness, bucket, after, 1);
    expect(change).toMatchObject({ type: 'put', key: 'key' });
  });

  testWith(harness, 'change_feed', 'a reader who is behind does not wait', async () => {
    const { store } = harness;
    const bucket = await harness.bucket();
    const after = await endOfFeed(harness);
    await put(harness, bucket, 'key', 'content');
    await store.waitForChange({ after, signal: new AbortController().signal });
    await store.waitForChange({ after: null, signal: new AbortController().signal });
  });

  testWith(harness, 'change_feed', 'a wait ends with its signal', async () => {
    const { store } = harness;
    const after = await endOfFeed(harness);
    await store.waitForChange({ after, signal: AbortSignal.abort() });
    const controller = new AbortController();
    const wait = store.waitForChange({ after, signal: controller.signal });
    controller.abort();
    await wait;
  });
}
