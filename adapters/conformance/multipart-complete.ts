import { describe, expect } from 'vitest';
import type { PartInfo } from '../contract/index.js';
import { bytesOf, utf8 } from './support/bytes.js';
import { deviates, expectBytes, failure, seenLater, settle } from './support/expect.js';
import { get, getText, type Harness, put, testWith } from './support/harness.js';
import { beginUpload, complete, fullPart, sendPart } from './support/multipart.js';

const UNKNOWN_ETAG = 'd41d8cd98f00b204e9800998ecf8427e';

export function multipartCompleteTests(harness: Harness): void {
  describe('completing uploads', () => {
    refusals(harness);
    choice(harness);
    repetition(harness);
    races(harness);
    conditions(harness);
  });
}

function refusals(harness: Harness): void {
  testWith(harness, 'multipart', 'a wrong list of parts is refused, and the upload goes on', async () => {
    const { store } = harness;
    const bucket = await harness.bucket();
    const upload = await beginUpload(harness, bucket, 'key');
    const contents = [fullPart(harness, 1), utf8('tail')];
    const [first, second] = [
      await sendPart(harness, upload, 1, contents[0] ?? utf8('')),
      await sendPart(harness, upload, 2, contents[1] ?? utf8('')),
    ];
    const wrong: [
      readonly Pick<PartInfo, 'part_number' | 'etag'>[],
      'invalid_part' | 'invalid_part_order',
    ][] = [
      [[first, second, { part_number: 3, etag: UNKNOWN_ETAG }], 'invalid_part'],
      [[first, { part_number: 2, etag: UNKNOWN_ETAG }], 'invalid_part'],
      [[first, { part_number: 2, etag: first.etag }], 'invalid_part'],
      [[second, first], 'invalid_part_order'],
      [[first, first], 'invalid_part_order'],
    ];
    for (const [parts, kind] of wrong) {
      const named = parts.map(({ part_number, etag }) => ({ part_number, etag }));
      await failure(store.completeUpload({ ...upload, parts: named }), kind);
    }
    await failure(store.completeUpload({ ...upload, parts: [] }), ['invalid', 'invalid_part']);
    await failure(store.headObject({ bucket, key: 'key' }), 'not_found', 'object');
    await complete(harness, upload, [first, second]);
    expectBytes(await get(harness, bucket, 'key'), Buffer.concat(contents));
  });

  testWith(harness, 'multipart', 'only the last part may be small', async () => {
    const bucket = await harness.bucket();
    const upload = await beginUpload(harness, bucket, 'key');
    const almost = harness.store.capabilities.part_bytes_min - 1;
    const small = await sendPart(harness, upload, 1, bytesOf(1, almost));
    const last = await sendPart(harness, upload, 2, utf8('tail'));
    await failure(complete(harness, upload, [small, last]), 'part_too_small');
    const grown = await sendPart(harness, upload, 1, bytesOf(1, almost + 1));
    const info = await complete(harness, upload, [grown, last]);
    expect(info.size_bytes).toBe(almost + 1 + 4);
  });

  testWith(harness, 'multipart', 'a size that the client knows better is refused', async () => {
    const bucket = await harness.bucket();
    const upload = await beginUpload(harness, bucket, 'key');
    const part = await sendPart(harness, upload, 1, utf8('four'));
    for (const size_bytes of [0, 3, 5]) {
      await failure(complete(harness, upload, [part], { size_bytes }), ['digest_mismatch', 'invalid']);
    }
    await complete(harness, upload, [part], { size_bytes: 4 });
    expect(await getText(harness, bucket, 'key')).toBe('four');
  });
}

function choice(harness: Harness): void {
  testWith(harness, 'multipart', 'parts that are not named are left out', async () => {
    const { store } = harness;
    const bucket = await harness.bucket();
    const upload = await beginUpload(harness, bucket, 'key');
    const sent = [];
    const contents = [fullPart(harness, 1), fullPart(harness, 2), utf8('three'), utf8('four')];
    for (const [index, content] of contents.entries()) {
      sent.push(await sendPart(harness, upload, index + 1, content));
    }
    const info = await complete(
      harness,
      upload,
      sent.filter((part) => part.part_number === 2 || part.part_number === 4),
    );
    expect(info.parts_count).toBe(2);
    const whole = Buffer.concat([contents[1] ?? utf8(''), utf8('four')]);
    expectBytes(await get(harness, bucket, 'key'), whole);
    if (store.capabilities.usage) {
      expect((await store.usage({ bucket })).stored_bytes).toBe(whole.length);
    }
    expect((await store.listUploads({ bucket, limit: 1 })).entries).toEqual([]);
  });
}

function repetition(harness: Harness): void {
  testWith(harness, 'multipart', 'a repeated complete gives the same answer', async () => {
    const bucket = await harness.bucket();
    const upload = await beginUpload(harness, bucket, 'key');
    const part = await sendPart(harness, upload, 1, utf8('content'));
    const info = await complete(harness, upload, [part]);
    for (let round = 0; round < 3; round++) {
      expect(await complete(harness, upload, [part])).toEqual(info);
    }
    expect((await harness.store.headObject({ bucket, key: 'key' })).info).toEqual(info);
  });

  testWith(harness, 'multipart', 'but not once another object has its place', async () => {
    const { store } = harness;
    const bucket = await harness.bucket();
    const upload = await beginUpload(harness, bucket, 'key');
    const part = await sendPart(harness, upload, 1, utf8('content'));
    await complete(harness, upload, [part]);
    await put(harness, bucket, 'key', 'newer');
    await failure(complete(harness, upload, [part]), 'not_found', 'upload');
    expect(await getText(harness, bucket, 'key')).toBe('newer');
    await store.deleteObject({ bucket, key: 'key' });
    await failure(complete(harness, upload, [part]), 'not_found', 'upload');
    await failure(store.headObject({ bucket, key: 'key' }), 'not_found', 'object');
  });

  testWith(harness, ['multipart', 'versioning'], 'a repeated complete makes no second version', async () => {
    const { store } = harness;
    const bucket = await harness.versionedBucket();
    const upload = await beginUpload(harness, bucket, 'key');
    const part = await sendPart(harness, upload, 1, utf8('content'));
    const answers = [await complete(harness, upload, [part]), await complete(harness, upload, [part])];
    expect(answers[1]).toEqual(answers[0]);
    expect((await store.listVersions({ bucket, limit: 9 })).entries).toHaveLength(1);
  });

  testWith(harness, 'multipart', 'a completed upload takes nothing more', async () => {
    const { store } = harness;
    const bucket = await harness.bucket();
    const upload = await beginUpload(harness, bucket, 'key');
    const part = await sendPart(harness, upload, 1, utf8('content'));
    await complete(harness, upload, [part]);
    await failure(sendPart(harness, upload, 2, utf8('late')), 'not_found', 'upload');
    await failure(store.listParts({ ...upload, limit: 1 }), 'not_found', 'upload');
    await failure(store.abortUpload(upload), 'not_found', 'upload');
    expect(await getText(harness, bucket, 'key')).toBe('content');
  });
}

function races(harness: Harness): void {
  testWith(harness, 'multipart', 'completing an upload from many sides makes one object', async () => {
    const { store } = harness;
    const versioning = store.capabilities.versioning;
    const bucket = versioning ? await harness.versionedBucket() : await harness.bucket();
    const upload = await beginUpload(harness, bucket, 'key');
    const part = await sendPart(harness, upload, 1, utf8('content'));
    const calls = Array.from({ length: 8 }, () => complete(harness, upload, [part]));
    const { won, lost } = await settle(calls);
    expect(won.length).toBeGreaterThan(0);
    expect(new Set(won.map((info) => info.version_id)).size).toBe(1);
    for (const error of lost) await failure(Promise.reject(error), ['conflict', 'not_found']);
    if (versioning) expect((await store.listVersions({ bucket, limit: 9 })).entries).toHaveLength(1);
    expect(await getText(harness, bucket, 'key')).toBe('content');
  });

  testWith(harness, 'multipart', 'a complete against an abort ends in one of the two', async () => {
    const { store } = harness;
    const bucket = await harness.bucket();
    for (let round = 0; round < 8; round++) {
      const key = `key ${round}`;
      const upload = await beginUpload(harness, bucket, key);
      const part = await sendPart(harness, upload, 1, utf8('content'));
      const abort_first = round % 2 === 0 ? store.abortUpload(upload) : null;
      const completing = complete(harness, upload, [part]);
      const aborting = abort_first ?? store.abortUpload(upload);
      const [completed, aborted] = await Promise.allSettled([completing, aborting]);
      const late = deviates(store, 'late_aborts_succeed') && completed.status === 'fulfilled';
      if (!late) expect([completed.status, aborted.status].toSorted()).toEqual(['fulfilled', 'rejected']);
      if (completed.status === 'fulfilled') expect(await getText(harness, bucket, key)).toBe('content');
      else await failure(store.headObject({ bucket, key }), 'not_found', 'object');
      if (deviates(store, 'late_parts_revive_uploads')) continue;
      await failure(store.listParts({ ...upload, limit: 1 }), 'not_found', 'upload');
    }
  });

  testWith(harness, 'multipart', 'a complete against a repeated part is of one of the two', async () => {
    const bucket = await harness.bucket();
    for (let round = 0; round < 8; round++) {
      const upload = await beginUpload(harness, bucket, 'key');
      const part = await sendPart(harness, upload, 1, utf8('first'));
      const [completed, replaced] = await Promise.allSettled([
        complete(harness, upload, [part]),
        sendPart(harness, upload, 1, utf8('second')),
      ]);
      if (completed.status === 'fulfilled') {
        expect(await getText(harness, bucket, 'key')).toBe('first');
        continue;
      }
      // A conflict while the part that was named is still there.
      await failure(Promise.reject(completed.reason), ['invalid_part', 'conflict']);
      expect(replaced.status).toBe('fulfilled');
      await harness.store.abortUpload(upload);
    }
  });
}

function conditions(harness: Harness): void {
  testWith(
    harness,
    ['multipart', 'conditional_put'],
    'a condition that fails leaves the upload as it is',
    async () => {
      const bucket = await harness.bucket();
      await put(harness, bucket, 'key', 'taken');
      const upload = await beginUpload(harness, bucket, 'key');
      const part = await sendPart(harness, upload, 1, utf8('content'));
      const condition = { if_none_match: '*' };
      await failure(complete(harness, upload, [part], { condition }), 'precondition_failed', 'object');
      expect(await getText(harness, bucket, 'key')).toBe('taken');
      expect((await harness.store.listParts({ ...upload, limit: 9 })).parts).toEqual([
        seenLater(harness, part),
      ]);
      await complete(harness, upload, [part]);
      expect(await getText(harness, bucket, 'key')).toBe('content');
    },
  );

  testWith(
    harness,
    ['multipart', 'conditional_put'],
    'a repeated complete passes its own condition',
    async () => {
      const bucket = await harness.bucket();
      const upload = await beginUpload(harness, bucket, 'key');
      const part = await sendPart(harness, upload, 1, utf8('content'));
      const condition = { if_none_match: '*' };
      const info = await complete(harness, upload, [part], { condition });
      expect(await complete(harness, upload, [part], { condition })).toEqual(info);
    },
  );
}
