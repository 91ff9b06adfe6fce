import { describe, expect, test } from 'vitest';
import { type Body, isStoreError, type ObjectAttributes } from '../contract/index.js';
import {
  bytesOf,
  createGate,
  endlessStream,
  failingStreamOf,
  gatedStreamOf,
  readAll,
  reusingStreamOf,
  streamOf,
  utf8,
} from './support/bytes.js';
import { hex } from './support/digests.js';
import { deviates, expectBytes, failure, rejection, seenLater } from './support/expect.js';
import { get, getText, type Harness, OWNER, put, testWith } from './support/harness.js';

export function putAndGetTests(harness: Harness): void {
  describe('put and get', () => {
    sizes(harness);
    bodies(harness);
    information(harness);
    overwriting(harness);
    failingBodies(harness);
    readers(harness);
    abortion(harness);
  });
}

/** Around the sizes at which implementations change their ways: inline or file, one block or several. */
const SIZES_BYTES = [
  0, 1, 2, 1_023, 4_096, 8_192, 16_384, 32_767, 65_535, 65_536, 65_537, 131_073, 262_144, 524_287, 524_288,
  524_289, 1_048_576, 3_000_001,
];

const CHUNK_PATTERNS: readonly (readonly number[])[] = [[1], [7, 0, 4_093], [65_537], [1_000_003, 1]];

function sizes(harness: Harness): void {
  test('objects of all sizes come back bit for bit', async () => {
    const bucket = await harness.bucket();
    for (const size_bytes of SIZES_BYTES) {
      const content = bytesOf(size_bytes, size_bytes);
      const key = `whole/${size_bytes}`;
      const info = await put(harness, bucket, key, content);
      expect(info.size_bytes).toBe(size_bytes);
      expectBytes(await get(harness, bucket, key), content, key);
    }
  });

  test('a body may come in chunks of any size', async () => {
    const bucket = await harness.bucket();
    for (const size_bytes of SIZES_BYTES) {
      const content = bytesOf(size_bytes + 7, size_bytes);
      for (const pattern of CHUNK_PATTERNS) {
        if (size_bytes > 70_000 && pattern[0] === 1) continue;
        const key = `chunks/${size_bytes}/${pattern.join()}`;
        const body = streamOf(content, pattern);
        await harness.store.putObject({ bucket, key, body, size_bytes });
        expectBytes(await get(harness, bucket, key), content, key);
      }
    }
  });

  test('an empty object is an object', async () => {
    const bucket = await harness.bucket();
    await put(harness, bucket, 'bytes', '');
    await harness.store.putObject({ bucket, key: 'stream', body: streamOf(utf8('')), size_bytes: 0 });
    for (const key of ['bytes', 'stream']) {
      const { info, range } = await harness.store.headObject({ bucket, key });
      expect(info).toMatchObject({ size_bytes: 0, etag: 'd41d8cd98f00b204e9800998ecf8427e' });
      expect(range).toBeNull();
      expectBytes(await get(harness, bucket, key), utf8(''));
    }
  });
}

function bodies(harness: Harness): void {
  test('a body may refill one buffer for every chunk', async () => {
    const bucket = await harness.bucket();
    const content = bytesOf(11, 2_500_000);
    for (const chunk_bytes of [1_009, 65_536, 700_001]) {
      const body = reusingStreamOf(content, chunk_bytes);
      await harness.store.putObject({ bucket, key: 'key', body, size_bytes: content.length });
      expectBytes(await get(harness, bucket, 'key'), content, `chunks of ${chunk_bytes}`);
    }
  });

  test('what getObject gives can be put as it is', async () => {
    const bucket = await harness.bucket();
    for (const size_bytes of [0, 300, 2_000_003]) {
      const content = bytesOf(12, size_bytes);
      await put(harness, bucket, 'from', content);
      const { body } = await harness.store.getObject({ bucket, key: 'from' });
      await harness.store.putObject({ bucket, key: 'to', body, size_bytes });
      expectBytes(await get(harness, bucket, 'to'), content);
    }
  });

  test('the caller may change its bytes once the put has ended', async () => {
    const bucket = await harness.bucket();
    for (const size_bytes of [100, 1_500_000]) {
      const content = bytesOf(13, size_bytes);
      const body = Uint8Array.from(content);
      await put(harness, bucket, 'key', body);
      body.fill(0);
      expectBytes(await get(harness, bucket, 'key'), content);
    }
  });

  test('a body longer or shorter than promised is refused and changes nothing', async () => {
    const bucket = await harness.bucket();
    await put(harness, bucket, 'old', 'before');
    for (const length of [0, 10, 99, 101, 5_000, 900_000]) {
      for (const body of [bytesOf(1, length), streamOf(bytesOf(1, length), [333])] satisfies Body[]) {
        for (const key of ['old', 'new']) {
          const call = harness.store.putObject({ bucket, key, body, size_bytes: 100 });
          const error = await failure(call, 'digest_mismatch', 'body');
          expect(error.detail.algorithm).toBe('size');
        }
      }
    }
    expect(await getText(harness, bucket, 'old')).toBe('before');
    await failure(harness.store.headObject({ bucket, key: 'new' }), 'not_found', 'object');
  });
}

const ATTRIBUTES: ObjectAttributes = {
  headers: {
    content_type: 'text/plain; charset=utf-8',
    cache_control: 'max-age=60, no-transform',
    content_disposition: 'attachment; filename="a b.txt"',
    content_encoding: 'gzip',
    content_language: 'de, en',
    expires: 'Wed, 01 Dec 2094 16:00:00 GMT',
    website_redirect_location: '/elsewhere',
  },
  metadata: { name: 'value', empty: '', 'with-hyphen': 'a, b; c="d"', constructor: 'data' },
  system: { 'acl-grants': '{"read":["x"]}', source: 'node-1' },
  storage_class: 'STANDARD_IA',
  owner: OWNER,
};

function information(harness: Harness): void {
  test('an object carries what its writer said of it', async () => {
    const bucket = await harness.bucket();
    const content = bytesOf(3, 1_000);
    const written = await put(harness, bucket, 'key', content, { attributes: ATTRIBUTES });
    expect(written).toMatchObject({
      ...ATTRIBUTES,
      key: 'key',
      version_id: 'null',
      is_latest: true,
      etag: hex('md5', content),
      size_bytes: 1_000,
      parts_count: null,
      tags_count: 0,
      retention: null,
      legal_hold: false,
    });
    expect([null, hex('sha256', content)]).toContain(written.sha256);
    expect(Math.abs(written.modified_at_ms - Date.now())).toBeLessThan(15 * 60_000);
  });

  test('put, head and get agree', async () => {
    const bucket = await harness.bucket();
    const written = await put(harness, bucket, 'key', 'content', { attributes: ATTRIBUTES });
    const head = await harness.store.headObject({ bucket, key: 'key' });
    const got = await harness.store.getObject({ bucket, key: 'key' });
    expect(head.info).toEqual(seenLater(harness, written));
    expect(got.info).toEqual(head.info);
    expect([head.range, got.range]).toEqual([null, null]);
  });

  test('an object without attributes has none', async () => {
    const bucket = await harness.bucket();
    const info = await put(harness, bucket, 'key', 'content');
    expect(info).toMatchObject({ headers: {}, metadata: {}, system: {}, tags_count: 0 });
    expect(Object.keys(info.headers)).toEqual([]);
  });

  testWith(harness, 'tagging', 'tags come with the object', async () => {
    const bucket = await harness.bucket();
    const foreign = deviates(harness.store, 'ascii_tags') ? { key: 'value' } : { ключ: 'значение' };
    const tags = { project: 'blue sky', empty: '', ...foreign, constructor: 'data' };
    const info = await put(harness, bucket, 'key', 'content', { attributes: { tags } });
    expect(info.tags_count).toBe(4);
    expect((await harness.store.getTags({ bucket, key: 'key' })).tags).toEqual(tags);
  });

  test('names that JavaScript objects have by birth are plain data', async () => {
    const bucket = await harness.bucket();
    const metadata = Object.fromEntries([['__proto__', 'data']]);
    for (const key of ['__proto__', 'constructor', 'toString']) {
      await failure(harness.store.headObject({ bucket, key }), 'not_found', 'object');
      const info = await put(harness, bucket, key, key, { attributes: { metadata } });
      expect(Object.entries(info.metadata)).toEqual([['__proto__', 'data']]);
      const head = await harness.store.headObject({ bucket, key });
      expect(Object.entries(head.info.metadata)).toEqual([['__proto__', 'data']]);
      expect(await getText(harness, bucket, key)).toBe(key);
    }
  });

  test('an object that is not there is named so', async () => {
    const bucket = await harness.bucket();
    await failure(harness.store.getObject({ bucket, key: 'none' }), 'not_found', 'object');
    await failure(harness.store.headObject({ bucket, key: 'none' }), 'not_found', 'object');
  });
}

function overwriting(harness: Harness): void {
  test('an overwrite leaves nothing of the object before', async () => {
    const bucket = await harness.bucket();
    await put(harness, bucket, 'key', bytesOf(1, 800_000), { attributes: ATTRIBUTES });
    const info = await put(harness, bucket, 'key', 'short', { attributes: { metadata: { only: 'this' } } });
    expect(info).toMatchObject({ headers: {}, metadata: { only: 'this' }, system: {}, size_bytes: 5 });
    expect(await getText(harness, bucket, 'key')).toBe('short');
    const { info: shown } = await harness.store.headObject({ bucket, key: 'key' });
    expect(shown).toEqual(seenLater(harness, info));
  });

  test('readers beside many writers see one write, whole', async () => {
    const bucket = await harness.bucket();
    const contents = Array.from({ length: 8 }, (_, seed) => bytesOf(seed, 1_000 + seed * 90_000));
    const known = new Set(contents.map((content) => hex('md5', content)));
    await put(harness, bucket, 'key', contents[0] ?? utf8(''));
    const writes = contents.map((content) => put(harness, bucket, 'key', content));
    const reads = Array.from({ length: 20 }, async () => {
      const { info, body } = await harness.store.getObject({ bucket, key: 'key' });
      const read = hex('md5', await readAll(body));
      expect(known).toContain(read);
      if (!deviates(harness.store, 'etags_race_overwrites')) expect(info.etag).toBe(read);
    });
    await Promise.all([...writes, ...reads]);
    const { info } = await harness.store.headObject({ bucket, key: 'key' });
    expect(hex('md5', await get(harness, bucket, 'key'))).toBe(info.etag);
  });

  test('objects of equal content are apart', async () => {
    const bucket = await harness.bucket();
    const content = bytesOf(5, 900_000);
    await Promise.all(['a', 'b', 'c'].map((key) => put(harness, bucket, key, content)));
    await harness.store.deleteObject({ bucket, key: 'a' });
    await put(harness, bucket, 'b', 'other');
    await harness.store.maintain({ now_ms: Date.now() });
    expectBytes(await get(harness, bucket, 'c'), content);
  });
}

function failingBodies(harness: Harness): void {
  test('an error of the body passes unchanged, and leaves nothing', async () => {
    const bucket = await harness.bucket();
    await put(harness, bucket, 'old', 'before');
    for (const length of [0, 1_000, 1_200_000]) {
      for (const key of ['old', 'new']) {
        const broken = new Error('the client went away');
        const body = failingStreamOf(bytesOf(4, length), broken);
        const call = harness.store.putObject({ bucket, key, body, size_bytes: 2_000_000 });
        expect(await rejection(call)).toBe(broken);
      }
    }
    expect(await getText(harness, bucket, 'old')).toBe('before');
    await failure(harness.store.headObject({ bucket, key: 'new' }), 'not_found', 'object');
    const { entries } = await harness.store.listObjects({ bucket, limit: 10 });
    expect(entries).toHaveLength(1);
  });

  test('a put that fails early lets go of its body', async () => {
    const bucket = harness.bucketName();
    const { body, isReleased } = endlessStream();
    await harness.store.createBucket({ bucket, owner: OWNER });
    const call = harness.store.putObject({ bucket, key: 'key', body, size_bytes: 100_000 });
    await failure(call, 'digest_mismatch', 'body');
    expect(isReleased()).toBe(true);
  });

  test('a put is invisible until it has ended', async () => {
    const bucket = await harness.bucket();
    const gate = createGate();
    const reached = createGate();
    const body = gatedStreamOf(bytesOf(1, 700_000), gate.opened, bytesOf(2, 10), reached.open);
    const writing = harness.store.putObject({ bucket, key: 'key', body, size_bytes: 700_010 });
    await reached.opened;
    await failure(harness.store.headObject({ bucket, key: 'key' }), 'not_found', 'object');
    expect((await harness.store.listObjects({ bucket, limit: 1 })).entries).toEqual([]);
    gate.open();
    await writing;
    expect((await get(harness, bucket, 'key')).length).toBe(700_010);
  });
}

function readers(harness: Harness): void {
  test('a reader may stop early, or never begin', async () => {
    const bucket = await harness.bucket();
    const content = bytesOf(6, 2_000_000);
    await put(harness, bucket, 'key', content);
    for (let round = 0; round < 50; round++) {
      await harness.store.getObject({ bucket, key: 'key' });
      const { body } = await harness.store.getObject({ bucket, key: 'key' });
      if (body instanceof Uint8Array) continue;
      for await (const chunk of body) {
        expectBytes(chunk, content.subarray(0, chunk.length), 'first chunk');
        break;
      }
    }
    expectBytes(await get(harness, bucket, 'key'), content);
  });

  test('many readers of one object do not disturb each other', async () => {
    const bucket = await harness.bucket();
    const content = bytesOf(7, 1_700_000);
    await put(harness, bucket, 'key', content);
    const reads = Array.from({ length: 12 }, () => get(harness, bucket, 'key'));
    for (const read of await Promise.all(reads)) expectBytes(read, content);
  });

  test('a read that is under way never mixes in a later write', async () => {
    const bucket = await harness.bucket();
    const content = bytesOf(8, 2_200_000);
    for (const replace of [
      () => put(harness, bucket, 'key', bytesOf(9, 2_200_000)),
      () => harness.store.deleteObject({ bucket, key: 'key' }),
    ]) {
      await put(harness, bucket, 'key', content);
      const { body } = await harness.store.getObject({ bucket, key: 'key' });
      await replace();
      const read = await readAll(body).catch((error: unknown) => error);
      if (read instanceof Uint8Array) expectBytes(read, content);
      // An upstream may break off what it can no longer read.
      else expect(['not_found', 'unavailable']).toContain(isStoreError(read) ? read.kind : read);
    }
  });
}

function abortion(harness: Harness): void {
  test('a call whose signal is aborted already does nothing', async () => {
    const { store } = harness;
    const bucket = await harness.bucket();
    await put(harness, bucket, 'key', 'content');
    const signal = AbortSignal.abort(new Error('gone'));
    const object = { bucket, key: 'key', signal };
    const copy = { replace_attributes: false, replace_tags: false };
    const calls = [
      () => put(harness, bucket, 'new', 'content', { signal }),
      () => store.getObject(object),
      () => store.headObject(object),
      () => store.deleteObject(object),
      () => store.deleteObjects({ bucket, objects: [{ key: 'key' }], signal }),
      () => store.copyObject({ ...copy, source: { bucket, key: 'key' }, bucket, key: 'new', signal }),
      () => store.listObjects({ bucket, limit: 1, signal }),
      () => store.headBucket({ bucket, signal }),
      () => store.createBucket({ bucket: harness.bucketName(), owner: OWNER, signal }),
      () => store.deleteBucket({ bucket, signal }),
      () => store.verifyObject(object),
    ];
    for (const call of calls) expect(await rejection(call())).toBe(signal.reason);
    expect((await store.listObjects({ bucket, limit: 10 })).entries).toHaveLength(1);
    expect(await getText(harness, bucket, 'key')).toBe('content');
  });

  test('a put that is aborted midway ends at once and leaves nothing', async () => {
    const bucket = await harness.bucket();
    const never = new Promise<void>(() => undefined);
    for (const length of [100, 1_200_000]) {
      const controller = new AbortController();
      const { signal } = controller;
      const gone = new Error('gone');
      const body = gatedStreamOf(bytesOf(1, length), never, utf8('x'), () => controller.abort(gone));
      const call = harness.store.putObject({ bucket, key: 'key', body, size_bytes: length + 1, signal });
      expect(await rejection(call)).toBe(gone);
      await failure(harness.store.headObject({ bucket, key: 'key' }), 'not_found', 'object');
    }
  });

  test('a read that is aborted midway ends with an error', async () => {
    const bucket = await harness.bucket();
    await put(harness, bucket, 'key', bytesOf(2, 6_000_000));
    const controller = new AbortController();
    const { body } = await harness.store.getObject({ bucket, key: 'key', signal: controller.signal });
    let read_bytes = 0;
    const reading = (async () => {
      if (body instanceof Uint8Array) throw new Error('6 MB in one piece cannot be aborted');
      for await (const chunk of body) {
        read_bytes += chunk.length;
        controller.abort();
      }
    })();
    await rejection(reading);
    expect(read_bytes).toBeLessThan(6_000_000);
  });
}
