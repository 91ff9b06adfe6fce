import { describe, expect } from 'vitest';
import type { ObjectAttributes } from '../contract/index.js';
import { bytesOf, createGate, failingStreamOf, gatedStreamOf, streamOf, utf8 } from './support/bytes.js';
import { hex, multipartEtag } from './support/digests.js';
import { at, deviates, expectBytes, failure, rejection, seenLater } from './support/expect.js';
import { get, getText, type Harness, OWNER, put, testWith } from './support/harness.js';
import { beginUpload, complete, fullPart, putParts, sendPart } from './support/multipart.js';

export function multipartTests(harness: Harness): void {
  describe('multipart uploads', () => {
    assembly(harness);
    attributes(harness);
    parts(harness);
    abortion(harness);
    reading(harness);
    versions(harness);
  });
}

function assembly(harness: Harness): void {
  testWith(harness, 'multipart', 'parts become one object, in the order of their numbers', async () => {
    const bucket = await harness.bucket();
    const upload = await beginUpload(harness, bucket, 'key');
    const [first, second, third] = [fullPart(harness, 1), fullPart(harness, 2, 777), bytesOf(3, 12_345)];
    const last = await sendPart(harness, upload, 10_000, third);
    const middle = await sendPart(harness, upload, 7, second, { body: streamOf(second, [131_071, 1]) });
    const begin = await sendPart(harness, upload, 1, first);
    expect([begin, middle, last].map((part) => part.etag)).toEqual(
      [first, second, third].map((bytes) => hex('md5', bytes)),
    );
    const info = await complete(harness, upload, [begin, middle, last]);
    const whole = Buffer.concat([first, second, third]);
    expect(info).toMatchObject({
      key: 'key',
      size_bytes: whole.length,
      etag: multipartEtag([first, second, third]),
      parts_count: 3,
      version_id: 'null',
      is_latest: true,
    });
    expectBytes(await get(harness, bucket, 'key'), whole);
    expect((await harness.store.headObject({ bucket, key: 'key' })).info).toEqual(info);
  });

  testWith(harness, 'multipart', 'one small or empty part is enough', async () => {
    const bucket = await harness.bucket();
    const empty = deviates(harness.store, 'no_empty_parts') ? [] : [utf8('')];
    for (const content of [utf8('small'), ...empty]) {
      const info = await putParts(harness, bucket, 'key', [content]);
      expect(info).toMatchObject({
        etag: multipartEtag([content]),
        parts_count: 1,
        size_bytes: content.length,
      });
      expectBytes(await get(harness, bucket, 'key'), content);
    }
  });

  testWith(harness, 'multipart', 'nothing shows before the upload is completed', async () => {
    const { store } = harness;
    const bucket = await harness.bucket();
    await put(harness, bucket, 'key', 'before');
    const upload = await beginUpload(harness, bucket, 'key');
    const fresh = await beginUpload(harness, bucket, 'fresh');
    const part = await sendPart(harness, upload, 1, utf8('after'));
    await sendPart(harness, fresh, 1, utf8('after'));
    expect(await getText(harness, bucket, 'key')).toBe('before');
    await failure(store.headObject({ bucket, key: 'fresh' }), 'not_found', 'object');
    expect((await store.listObjects({ bucket, limit: 9 })).entries).toHaveLength(1);
    await complete(harness, upload, [part]);
    expect(await getText(harness, bucket, 'key')).toBe('after');
    expect((await store.listUploads({ bucket, limit: 9 })).entries).toHaveLength(1);
  });

  testWith(harness, 'multipart', 'uploads of one key do not mix', async () => {
    const bucket = await harness.bucket();
    const one = await beginUpload(harness, bucket, 'key');
    const two = await beginUpload(harness, bucket, 'key');
    expect(one.upload_id).not.toBe(two.upload_id);
    const part_of_one = await sendPart(harness, one, 1, utf8('one'));
    const part_of_two = await sendPart(harness, two, 1, utf8('two'));
    await complete(harness, two, [part_of_two]);
    expect(await getText(harness, bucket, 'key')).toBe('two');
    if (deviates(harness.store, 'newer_writes_end_uploads')) return;
    await complete(harness, one, [part_of_one]);
    expect(await getText(harness, bucket, 'key')).toBe('one');
  });

  testWith(harness, 'multipart', 'completed bytes outlive other uses of the same content', async () => {
    const bucket = await harness.bucket();
    const content = fullPart(harness, 4);
    await put(harness, bucket, 'whole', content);
    await putParts(harness, bucket, 'twice', [content, content]);
    await harness.store.deleteObject({ bucket, key: 'whole' });
    await harness.store.maintain({ now_ms: Date.now() });
    expectBytes(await get(harness, bucket, 'twice'), Buffer.concat([content, content]));
  });
}

function attributes(harness: Harness): void {
  testWith(harness, 'multipart', 'the object carries what was said when the upload began', async () => {
    const bucket = await harness.bucket();
    const given: ObjectAttributes = {
      headers: { content_type: 'video/mp4', content_disposition: 'inline' },
      metadata: { title: 'Holiday' },
      system: { 'acl-grants': '[]' },
      storage_class: 'STANDARD_IA',
      owner: OWNER,
      ...(harness.store.capabilities.tagging && { tags: { year: '2026' } }),
    };
    const upload = await beginUpload(harness, bucket, 'key', { attributes: given, initiator: OWNER });
    const info = await complete(harness, upload, [await sendPart(harness, upload, 1, utf8('film'))]);
    const { tags, ...shown } = given;
    expect(info).toMatchObject({ ...shown, tags_count: Object.keys(tags ?? {}).length });
    expect((await harness.store.headObject({ bucket, key: 'key' })).info).toEqual(info);
    if (tags) expect((await harness.store.getTags({ bucket, key: 'key' })).tags).toEqual(tags);
  });

  testWith(
    harness,
    ['multipart', 'object_lock'],
    'locks given when the upload began protect the object',
    async () => {
      const bucket = await harness.bucket({ object_lock: true });
      const upload = await beginUpload(harness, bucket, 'key', { attributes: { legal_hold: true } });
      const info = await complete(harness, upload, [await sendPart(harness, upload, 1, utf8('text'))]);
      expect(info.legal_hold).toBe(true);
      const { version_id } = info;
      await failure(harness.store.deleteObject({ bucket, key: 'key', version_id }), 'locked');
    },
  );
}

function parts(harness: Harness): void {
  testWith(harness, 'multipart', 'a part sent again replaces the one before', async () => {
    const bucket = await harness.bucket();
    const upload = await beginUpload(harness, bucket, 'key');
    const first = await sendPart(harness, upload, 1, utf8('first'));
    const second = await sendPart(harness, upload, 1, utf8('second try'));
    const listed = await harness.store.listParts({ ...upload, limit: 10 });
    expect(listed.parts).toEqual([seenLater(harness, second)]);
    await failure(complete(harness, upload, [first]), 'invalid_part');
    await complete(harness, upload, [second]);
    expect(await getText(harness, bucket, 'key')).toBe('second try');
  });

  testWith(harness, 'multipart', 'a bad part is refused and changes nothing', async () => {
    const bucket = await harness.bucket();
    const upload = await beginUpload(harness, bucket, 'key');
    const good = await sendPart(harness, upload, 1, utf8('good'));
    const bad = utf8('bad');
    const other = utf8('other');
    for (const promised of [
      { expect: { md5: hex('md5', other) } },
      { expect: { sha256: hex('sha256', other) } },
      { size_bytes: 2 },
      { size_bytes: 4 },
    ]) {
      for (const part_number of [1, 2]) {
        const call = sendPart(harness, upload, part_number, bad, promised);
        await failure(call, 'digest_mismatch', 'body');
      }
    }
    const broken = new Error('the client went away');
    for (const part_number of [1, 2]) {
      const body = failingStreamOf(bytesOf(1, 600_000), broken);
      const call = sendPart(harness, upload, part_number, utf8(''), { body, size_bytes: 700_000 });
      expect(await rejection(call)).toBe(broken);
    }
    expect((await harness.store.listParts({ ...upload, limit: 10 })).parts).toEqual([
      seenLater(harness, good),
    ]);
  });

  testWith(harness, 'multipart', 'many parts at once', async () => {
    const bucket = await harness.bucket();
    const upload = await beginUpload(harness, bucket, 'key');
    const numbers = Array.from({ length: 40 }, (_, n) => n + 1);
    const sent = await Promise.all(numbers.map((n) => sendPart(harness, upload, n, bytesOf(n, 500 + n))));
    const listed = await harness.store.listParts({ ...upload, limit: 1_000 });
    expect(listed.parts).toEqual(sent.map((part) => seenLater(harness, part)));
  });

  testWith(harness, 'multipart', 'an upload that is not there is named', async () => {
    const { store } = harness;
    const bucket = await harness.bucket();
    const real = await beginUpload(harness, bucket, 'key');
    const aborted = await beginUpload(harness, bucket, 'key');
    const part = await sendPart(harness, aborted, 1, utf8('part'));
    await store.abortUpload(aborted);
    await put(harness, bucket, 'source', 'content');
    for (const upload of [aborted, { ...real, key: 'another' }]) {
      const calls = [
        sendPart(harness, upload, 1, utf8('part')),
        store.copyPart({ ...upload, part_number: 1, source: { bucket, key: 'source' } }),
        store.listParts({ ...upload, limit: 1 }),
        complete(harness, upload, [part]),
        store.abortUpload(upload),
      ];
      for (const outcome of await Promise.allSettled(calls)) {
        const error = outcome.status === 'rejected' ? outcome.reason : new Error('it succeeded');
        await failure(Promise.reject(error), 'not_found', 'upload');
      }
    }
    expect((await store.listParts({ ...real, limit: 1 })).parts).toEqual([]);
  });
}

function abortion(harness: Harness): void {
  testWith(harness, 'multipart', 'an aborted upload leaves nothing', async () => {
    const { store } = harness;
    const bucket = await harness.bucket();
    await put(harness, bucket, 'key', 'before');
    const upload = await beginUpload(harness, bucket, 'key');
    const part = await sendPart(harness, upload, 1, fullPart(harness, 5));
    await store.abortUpload(upload);
    expect((await store.listUploads({ bucket, limit: 9 })).entries).toEqual([]);
    await failure(complete(harness, upload, [part]), 'not_found', 'upload');
    expect(await getText(harness, bucket, 'key')).toBe('before');
  });

  testWith(harness, 'multipart', 'a part that is under way during an abort does not survive it', async () => {
    const { store } = harness;
    const bucket = await harness.bucket();
    for (const length of [1_000, 900_000]) {
      const upload = await beginUpload(harness, bucket, 'key');
      const gate = createGate();
      const reached = createGate();
      const body = gatedStreamOf(bytesOf(1, length), gate.opened, utf8('rest'), reached.open);
      const sending = sendPart(harness, upload, 1, utf8(''), { body, size_bytes: length + 4 });
      const outcome = sending.catch((error: unknown) =>
        failure(Promise.reject(error), 'not_found', 'upload'),
      );
      await reached.opened;
      await store.abortUpload(upload);
      gate.open();
      await outcome;
      if (deviates(store, 'late_parts_revive_uploads')) continue;
      await failure(store.listParts({ ...upload, limit: 1 }), 'not_found', 'upload');
      if (store.capabilities.usage) expect((await store.usage({ bucket })).stored_bytes).toBe(0);
    }
    await store.deleteBucket({ bucket });
  });

  testWith(harness, 'multipart', 'calls with an aborted signal do nothing', async () => {
    const { store } = harness;
    const bucket = await harness.bucket();
    const upload = await beginUpload(harness, bucket, 'key');
    const part = await sendPart(harness, upload, 1, utf8('part'));
    const signal = AbortSignal.abort(new Error('gone'));
    await put(harness, bucket, 'source', 'content');
    const calls = [
      () => store.createUpload({ bucket, key: 'new', signal }),
      () => sendPart(harness, upload, 2, utf8('part'), { signal }),
      () => store.copyPart({ ...upload, part_number: 2, source: { bucket, key: 'source' }, signal }),
      () => store.listParts({ ...upload, limit: 1, signal }),
      () => store.listUploads({ bucket, limit: 1, signal }),
      () => complete(harness, upload, [part], { signal }),
      () => store.abortUpload({ ...upload, signal }),
      () => store.listObjectParts({ bucket, key: 'source', limit: 1, signal }),
    ];
    for (const call of calls) expect(await rejection(call())).toBe(signal.reason);
    expect((await store.listParts({ ...upload, limit: 10 })).parts).toEqual([seenLater(harness, part)]);
    expect((await store.listUploads({ bucket, limit: 10 })).entries).toHaveLength(1);
  });
}

function reading(harness: Harness): void {
  testWith(harness, 'multipart', 'a part of a finished object can be read by its number', async () => {
    const bucket = await harness.bucket();
    const contents = [fullPart(harness, 1, 1), fullPart(harness, 2), bytesOf(3, 100)];
    await putParts(harness, bucket, 'key', contents);
    let start = 0;
    for (const [index, content] of contents.entries()) {
      const address = { bucket, key: 'key', part_number: index + 1 };
      const range = { start, end: start + content.length - 1 };
      expect((await harness.store.headObject(address)).range).toEqual(range);
      const read = await harness.store.getObject(address);
      expect(read).toMatchObject({ range, info: { parts_count: 3 } });
      expectBytes(await get(harness, bucket, 'key', { part_number: index + 1 }), content);
      start += content.length;
    }
    for (const part_number of [4, 10_000]) {
      const call = harness.store.getObject({ bucket, key: 'key', part_number });
      await failure(call, ['range_not_satisfiable', 'invalid_part']);
    }
  });

  testWith(harness, 'multipart', 'an empty part is nothing, not the whole object', async () => {
    const { store } = harness;
    if (deviates(store, 'no_empty_parts')) return;
    const bucket = await harness.bucket();
    const first = fullPart(harness, 1);
    const parts = { mixed: [first, utf8('')], alone: [utf8('')] };
    for (const [key, contents] of Object.entries(parts)) {
      await putParts(harness, bucket, key, contents);
      const address = { bucket, key, part_number: contents.length };
      const expected = { range: 'empty', info: { parts_count: contents.length } };
      expect(await store.headObject(address), key).toMatchObject(expected);
      expect(await store.getObject(address), key).toMatchObject(expected);
      expectBytes(await get(harness, bucket, key, { part_number: contents.length }), utf8(''));
    }
    expectBytes(await get(harness, bucket, 'mixed', { part_number: 1 }), first);
  });

  testWith(harness, 'multipart', 'ranges cross the borders of parts', async () => {
    const bucket = await harness.bucket();
    const contents = [fullPart(harness, 1, 1), fullPart(harness, 2, 65_537), bytesOf(3, 100)];
    const whole = Buffer.concat(contents);
    await putParts(harness, bucket, 'key', contents);
    const borders = [at(contents, 0).length, at(contents, 0).length + at(contents, 1).length];
    for (const border of borders) {
      for (const [start, end] of [
        [border - 1, border],
        [border, border],
        [border - 1, border - 1],
        [border - 700_000, border + 50],
      ] as const) {
        const read = await get(harness, bucket, 'key', { range: { start, end } });
        expectBytes(read, whole.subarray(start, end + 1), `${start}-${end}`);
      }
    }
    expectBytes(await get(harness, bucket, 'key', { range: { suffix: 150 } }), whole.subarray(-150));
    expectBytes(await get(harness, bucket, 'key', { range: { start: 1 } }), whole.subarray(1));
  });

  testWith(harness, 'multipart', 'an object of parts can be copied', async () => {
    const bucket = await harness.bucket();
    const contents = [fullPart(harness, 1), bytesOf(2, 100)];
    await putParts(harness, bucket, 'from', contents);
    const how = { replace_attributes: false, replace_tags: false };
    const source = { bucket, key: 'from' };
    await harness.store.copyObject({ source, bucket, key: 'to', ...how });
    await harness.store.deleteObject({ bucket, key: 'from' });
    await harness.store.maintain({ now_ms: Date.now() });
    expectBytes(await get(harness, bucket, 'to'), Buffer.concat(contents));
  });
}

function versions(harness: Harness): void {
  testWith(
    harness,
    ['multipart', 'versioning'],
    'a completed upload is a version like any other',
    async () => {
      const bucket = await harness.versionedBucket();
      const before = await put(harness, bucket, 'key', 'before');
      const info = await putParts(harness, bucket, 'key', [utf8('after')]);
      expect(info.is_latest).toBe(true);
      expect(['null', before.version_id]).not.toContain(info.version_id);
      expect(await getText(harness, bucket, 'key')).toBe('after');
      expect(await getText(harness, bucket, 'key', { version_id: before.version_id })).toBe('before');
      await harness.store.deleteObject({ bucket, key: 'key', version_id: info.version_id });
      expect(await getText(harness, bucket, 'key')).toBe('before');
    },
  );
}
