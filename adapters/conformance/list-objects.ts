import { describe, expect, test } from 'vitest';
import type { ListEntry, ListObjectsInput, ObjectInfo } from '../contract/index.js';
import { createRandom, integerBetween } from './support/bytes.js';
import { at, deviates, failure } from './support/expect.js';
import { getText, type Harness, put, testWith } from './support/harness.js';
import { storable } from './support/keys.js';
import { expectedListing, inByteOrder, namesOf, PREFIX_MARK, walk } from './support/listing.js';

/** Keys are bytes: nothing in them is a path. */
const ODD_KEYS: readonly string[] = [
  'a',
  'a/',
  'a//',
  'a//b',
  'a/b',
  'a/b/c',
  '/',
  '/a',
  '//',
  '.',
  '..',
  './a',
  '../a',
  'a/../b',
  'a/./b',
  'a/..',
  ' ',
  ' a',
  'a ',
  'a b',
  'a+b',
  'a%2Fb',
  'a%b',
  'a?b=c',
  'a#b',
  'a&b<c>"d\'',
  'a\\b',
  'a\u0001b',
  'a\tb',
  'a\nb',
  'a\r\nb',
  'a\u007fb',
  'A',
  'ä',
  'a\u0308',
  '\u00ff',
  '日本語',
  '\uffff',
  '\u{1f600}',
  '\u{1f600}/\u{1f680}',
  '\u{10ffff}',
  'con',
  'null',
  'undefined',
];

export function listObjectsTests(harness: Harness): void {
  describe('list objects', () => {
    keys(harness);
    entriesOfAListing(harness);
    paging(harness);
    delimiters(harness);
    positions(harness);
    randomQueries(harness);
  });
}

async function fill(harness: Harness, bucket: string, names: readonly string[]): Promise<void> {
  await Promise.all(names.map((key) => put(harness, bucket, key, key)));
}

type Query = Omit<ListObjectsInput, 'bucket' | 'limit' | 'signal'>;

function listAll(harness: Harness, bucket: string, limit: number, query: Query = {}) {
  return walk<ListEntry<ObjectInfo>, string>(limit, (after = query.after) =>
    harness.store.listObjects({ bucket, limit, ...query, ...(after !== undefined && { after }) }),
  );
}

function keys(harness: Harness): void {
  test('every key is an object of its own and comes back as it was', async () => {
    const bucket = await harness.bucket();
    const keys = storable(harness, ODD_KEYS);
    await fill(harness, bucket, keys);
    for (const key of keys) {
      expect(await getText(harness, bucket, key)).toBe(key);
      expect((await harness.store.headObject({ bucket, key })).info.key).toBe(key);
    }
  });

  test('keys are listed in the order of their UTF-8 bytes', async () => {
    const bucket = await harness.bucket();
    const keys = storable(harness, ODD_KEYS);
    await fill(harness, bucket, keys);
    const listed = namesOf(await listAll(harness, bucket, 1_000));
    expect(listed).toEqual(inByteOrder(keys));
    if (keys.includes('\uffff')) {
      expect(listed.indexOf('\uffff')).toBeLessThan(listed.indexOf('\u{1f600}'));
    }
  });

  test('keys may be as long as declared', async () => {
    const bucket = await harness.bucket();
    const { key_bytes_max: bytes_max, keys: rules } = harness.store.capabilities;
    // As few segments as may be: a slash, or a letter where none is needed, ends each.
    const segment_bytes = Math.min(rules?.segment_bytes_max ?? bytes_max, bytes_max);
    const fill_with = (letter: string) => {
      const letter_bytes = Buffer.byteLength(letter);
      const segment = letter.repeat(Math.floor(segment_bytes / letter_bytes));
      const key = segment.length * letter_bytes >= bytes_max ? segment : `${segment}/`.repeat(bytes_max);
      return Buffer.from(key)
        .subarray(0, bytes_max - 2)
        .toString()
        .replace(/[\ufffd/]+$/, '');
    };
    const longest = storable(harness, [
      fill_with('x'),
      fill_with('ä'),
      `${'y/'.repeat(Math.floor(bytes_max / 2) - 1)}z`,
    ]);
    await fill(harness, bucket, longest);
    for (const key of longest) expect(await getText(harness, bucket, key)).toBe(key);
    expect(namesOf(await listAll(harness, bucket, 2))).toEqual(inByteOrder(longest));
    expect(namesOf(await listAll(harness, bucket, 2, { prefix: longest[1] ?? '' }))).toEqual([longest[1]]);
    const after = await harness.store.listObjects({ bucket, after: at(longest, 0), limit: 9 });
    expect(namesOf(after.entries)).toEqual(inByteOrder(longest).slice(1));
    await harness.store.deleteObject({ bucket, key: at(longest, 0) });
    await failure(harness.store.headObject({ bucket, key: at(longest, 0) }), 'not_found', 'object');
  });

  test('a NUL byte in a key is data, or the key is refused', async () => {
    const bucket = await harness.bucket();
    await fill(harness, bucket, ['a', 'ab']);
    const taken = await put(harness, bucket, 'a\u0000b', 'zero').then(
      () => true,
      async (error: unknown) => {
        await failure(Promise.reject(error), ['invalid', 'unsupported']);
        return false;
      },
    );
    const expected = taken ? ['a', 'a\u0000b', 'ab'] : ['a', 'ab'];
    expect(namesOf(await listAll(harness, bucket, 10))).toEqual(expected);
    expect(await getText(harness, bucket, 'a')).toBe('a');
    if (taken) expect(await getText(harness, bucket, 'a\u0000b')).toBe('zero');
  });
}

function entriesOfAListing(harness: Harness): void {
  test('an entry says what headObject says of it', async () => {
    const bucket = await harness.bucket();
    await put(harness, bucket, 'small', 'content');
    await put(harness, bucket, 'large', new Uint8Array(700_000));
    const { entries, next } = await harness.store.listObjects({ bucket, limit: 10 });
    expect(next).toBeNull();
    expect(namesOf(entries)).toEqual(['large', 'small']);
    for (const entry of entries) {
      if (entry.type !== 'item') throw new Error('a prefix without a delimiter');
      const { info } = await harness.store.headObject({ bucket, key: entry.item.key });
      // A remote listing carries less than a head: these are what ListObjects shows.
      const { key, etag, size_bytes, storage_class, is_latest } = info;
      expect(entry.item).toMatchObject({ key, etag, size_bytes, storage_class, is_latest });
      expect(Math.abs(entry.item.modified_at_ms - info.modified_at_ms)).toBeLessThan(1_000);
    }
  });

  test('an empty bucket has an empty listing', async () => {
    const bucket = await harness.bucket();
    for (const query of [{}, { prefix: 'a' }, { delimiter: '/' }, { after: 'a' }]) {
      expect(await harness.store.listObjects({ bucket, limit: 1, ...query })).toEqual({
        entries: [],
        next: null,
      });
    }
  });

  test('a bucket shows nothing of its neighbours', async () => {
    const stem = harness.bucketName();
    const buckets = [stem, `${stem}-a`, `${stem}.a`, `${stem}0`];
    for (const bucket of buckets) {
      if (bucket !== stem) await harness.bucket({ bucket });
    }
    await harness.bucket({ bucket: stem });
    for (const bucket of buckets) await fill(harness, bucket, [`${bucket}/1`, `${bucket}/2`]);
    for (const bucket of buckets) {
      expect(namesOf(await listAll(harness, bucket, 1))).toEqual([`${bucket}/1`, `${bucket}/2`]);
    }
    for (const bucket of buckets) {
      for (const n of [1, 2]) await harness.store.deleteObject({ bucket, key: `${bucket}/${n}` });
      await harness.store.deleteBucket({ bucket });
    }
  });

  testWith(harness, 'versioning', 'deleted objects and old versions are not listed', async () => {
    const bucket = await harness.versionedBucket();
    for (const key of ['a', 'b', 'c', 'd/1', 'e/1']) {
      for (const text of ['one', 'two', 'three']) await put(harness, bucket, key, text);
    }
    for (const key of ['a', 'c', 'd/1']) await harness.store.deleteObject({ bucket, key });
    for (const limit of [1, 2, 10]) {
      expect(namesOf(await listAll(harness, bucket, limit))).toEqual(['b', 'e/1']);
      const grouped = await listAll(harness, bucket, limit, { delimiter: '/' });
      const hidden = deviates(harness.store, 'prefixes_of_deleted_keys') ? [`${PREFIX_MARK}d/`] : [];
      expect(namesOf(grouped)).toEqual(['b', ...hidden, `${PREFIX_MARK}e/`]);
    }
  });
}

function paging(harness: Harness): void {
  test('pages of any size give the whole listing, each entry once', async () => {
    const bucket = await harness.bucket();
    const names = storable(harness, ODD_KEYS.slice(0, 25));
    await fill(harness, bucket, names);
    for (const query of [{}, { delimiter: '/' }, { prefix: 'a' }, { prefix: 'a/', delimiter: '/' }]) {
      const whole = expectedListing(names, query);
      for (let limit = 1; limit <= whole.length + 1; limit++) {
        expect(namesOf(await listAll(harness, bucket, limit, query)), `limit ${limit}`).toEqual(whole);
      }
    }
  });

  test('a page is full while there is more, and the last one says that it is the last', async () => {
    const bucket = await harness.bucket();
    await fill(harness, bucket, ['a', 'b', 'c/1', 'c/2', 'd']);
    const list = (limit: number, after?: string) =>
      harness.store.listObjects({ bucket, limit, delimiter: '/', ...(after !== undefined && { after }) });
    const first = await list(3);
    expect(namesOf(first.entries)).toEqual(['a', 'b', `${PREFIX_MARK}c/`]);
    expect(first.next).not.toBeNull();
    const second = await list(3, first.next ?? '');
    expect(namesOf(second.entries)).toEqual(['d']);
    expect(second.next).toBeNull();
    expect((await list(4)).next).toBeNull();
  });

  test('keys that come and go between pages disturb no others', async () => {
    const bucket = await harness.bucket();
    const names = Array.from({ length: 12 }, (_, n) => `key ${String(n).padStart(2, '0')}`);
    await fill(harness, bucket, names);
    const first = await harness.store.listObjects({ bucket, limit: 5 });
    await harness.store.deleteObject({ bucket, key: at(names, 4) });
    await harness.store.deleteObject({ bucket, key: at(names, 5) });
    await put(harness, bucket, 'key 07 and more', 'new');
    const rest = await listAll(harness, bucket, 3, { after: first.next ?? '' });
    expect(namesOf(rest)).toEqual([...names.slice(6, 8), 'key 07 and more', ...names.slice(8)]);
  });
}

function delimiters(harness: Harness): void {
  test('common prefixes count once and are never repeated', async () => {
    const bucket = await harness.bucket();
    const names = ['b', 'z'];
    for (const folder of ['a', 'c', 'c/d', 'c!']) {
      for (let n = 0; n < 15; n++) names.push(`${folder}/${n}`);
    }
    await fill(harness, bucket, names);
    for (const query of [
      { delimiter: '/' },
      { delimiter: '/', prefix: 'c' },
      { delimiter: '/', prefix: 'c/' },
    ]) {
      for (const limit of [1, 2, 3, 100]) {
        const listed = namesOf(await listAll(harness, bucket, limit, query));
        expect(listed).toEqual(expectedListing(names, query));
        expect(new Set(listed).size).toBe(listed.length);
      }
    }
  });

  test('a delimiter may be anything', async () => {
    const bucket = await harness.bucket();
    const names = ['a--b', 'a--c', 'a-d', 'a%', 'a% b', 'ab', 'ä1', 'äb', '\u{1f600}x', '\u{1f600}y', '--'];
    await fill(harness, bucket, names);
    for (const delimiter of ['--', '-', 'b', '%', 'ä', '\u{1f600}', ' ', 'none']) {
      for (const limit of [1, 3, 100]) {
        const listed = namesOf(await listAll(harness, bucket, limit, { delimiter }));
        expect(listed, delimiter).toEqual(expectedListing(names, { delimiter }));
      }
    }
  });

  test('the last possible key under a prefix does not stop the listing', async () => {
    const bucket = await harness.bucket();
    const names = [
      'a\u{10ffff}',
      'a\u{10ffff}\u{10ffff}/x',
      'b',
      '\u{10ffff}/1',
      '\u{10ffff}/2',
      '\u{10ffff}0',
    ];
    await fill(harness, bucket, names);
    for (const query of [{}, { prefix: 'a\u{10ffff}' }, { prefix: '\u{10ffff}' }, { delimiter: '/' }]) {
      for (const limit of [1, 100]) {
        expect(namesOf(await listAll(harness, bucket, limit, query))).toEqual(expectedListing(names, query));
      }
    }
  });
}

function positions(harness: Harness): void {
  test('a listing begins behind any key, there or not', async () => {
    const bucket = await harness.bucket();
    const names = storable(harness, ['a/1', 'a/2', 'a', 'b/1/2', 'b', 'c']);
    await fill(harness, bucket, names);
    for (const after of ['0', 'a', 'a.', 'a/', 'a/1', 'a/15', 'a0', 'b', 'b/1', 'b/1/2', 'b/1/3', 'c', 'd']) {
      for (const query of [{}, { delimiter: '/' }, { prefix: 'a' }, { prefix: 'b/', delimiter: '/' }]) {
        for (const limit of [1, 2, 100]) {
          const listed = namesOf(await listAll(harness, bucket, limit, { ...query, after }));
          const about = `after ${after} ${JSON.stringify(query)}`;
          expect(listed, about).toEqual(expectedListing(names, { ...query, after }));
        }
      }
    }
  });
}

function randomQueries(harness: Harness): void {
  test('any query over any keys shows what it must', async () => {
    const random = createRandom(4_711);
    const bucket = await harness.bucket();
    const letters = ['a', 'b', '/', '/', '-', 'é', '\u{1f600}', '\uffff'];
    const word = (length_max: number) =>
      Array.from({ length: integerBetween(random, 1, length_max) }, () =>
        at(letters, integerBetween(random, 0, letters.length - 1)),
      ).join('');
    const names = new Set(
      storable(
        harness,
        Array.from({ length: 80 }, () => word(5)),
      ),
    );
    await fill(harness, bucket, [...names]);
    for (let round = 0; round < 150; round++) {
      const query = {
        ...(random() < 0.5 && { prefix: word(2) }),
        ...(random() < 0.7 && { delimiter: random() < 0.7 ? '/' : word(2) }),
        ...(random() < 0.5 && { after: word(4) }),
      };
      const limit = integerBetween(random, 1, 12);
      const listed = namesOf(await listAll(harness, bucket, limit, query));
      expect(listed, `${JSON.stringify(query)} limit ${limit}`).toEqual(expectedListing(names, query));
    }
  });
}
