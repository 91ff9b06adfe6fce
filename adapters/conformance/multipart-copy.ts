import { describe, expect } from 'vitest';
import type { CopyPartInput } from '../contract/index.js';
import { bytesOf, utf8 } from './support/bytes.js';
import { hex } from './support/digests.js';
import { expectBytes, failure, seenLater } from './support/expect.js';
import { get, getText, type Harness, put, testWith } from './support/harness.js';
import { beginUpload, complete, fullPart, putParts, sendPart } from './support/multipart.js';

export function multipartCopyTests(harness: Harness): void {
  describe('copied parts', () => {
    ranges(harness);
    sources(harness);
    refusals(harness);
  });
}

function ranges(harness: Harness): void {
  testWith(harness, 'multipart', 'a part may be a whole object or a range of one', async () => {
    const { store } = harness;
    const bucket = await harness.bucket();
    const other = await harness.bucket();
    const content = fullPart(harness, 1, 1_000_000);
    const minimum = store.capabilities.part_bytes_min;
    await put(harness, other, 'source', content);
    const source = { bucket: other, key: 'source' };
    const upload = await beginUpload(harness, bucket, 'key');
    const whole = await store.copyPart({ ...upload, part_number: 1, source });
    expect(whole).toMatchObject({
      part_number: 1,
      etag: hex('md5', content),
      size_bytes: content.length,
      source_version_id: 'null',
    });
    const range = { start: 777, end: 777 + minimum - 1 };
    const middle = await store.copyPart({ ...upload, part_number: 2, source: { ...source, range } });
    expect(middle.etag).toBe(hex('md5', content.subarray(range.start, range.end + 1)));
    const tail = await store.copyPart({
      ...upload,
      part_number: 3,
      source: { ...source, range: { start: content.length - 1, end: content.length - 1 } },
    });
    const sent = await sendPart(harness, upload, 4, utf8('sent'));
    await failure(complete(harness, upload, [whole, middle, tail, sent]), 'part_too_small');
    await complete(harness, upload, [whole, middle, tail]);
    await store.deleteObject({ bucket: other, key: 'source' });
    await store.maintain({ now_ms: Date.now() });
    const expected = [content, content.subarray(range.start, range.end + 1), content.subarray(-1)];
    expectBytes(await get(harness, bucket, 'key'), Buffer.concat(expected));
  });

  testWith(harness, 'multipart', 'any small range is copied exactly', async () => {
    const bucket = await harness.bucket();
    const content = bytesOf(2, 600_000);
    await put(harness, bucket, 'source', content);
    for (const [start, end] of [
      [0, 0],
      [0, 99],
      [599_999, 599_999],
      [524_287, 524_288],
      [100, 400_000],
    ] as const) {
      const upload = await beginUpload(harness, bucket, 'key');
      const source = { bucket, key: 'source', range: { start, end } };
      const part = await harness.store.copyPart({ ...upload, part_number: 1, source });
      expect(part.size_bytes).toBe(end - start + 1);
      await complete(harness, upload, [part]);
      expectBytes(await get(harness, bucket, 'key'), content.subarray(start, end + 1), `${start}-${end}`);
    }
  });
}

function sources(harness: Harness): void {
  testWith(harness, 'multipart', 'a range may cross the parts of its source', async () => {
    const bucket = await harness.bucket();
    const contents = [fullPart(harness, 3), fullPart(harness, 4)];
    await putParts(harness, bucket, 'source', contents);
    const whole = Buffer.concat(contents);
    const border = contents[0]?.length ?? 0;
    const range = { start: border - 5_000, end: border + 6_000 };
    const upload = await beginUpload(harness, bucket, 'key');
    const source = { bucket, key: 'source', range };
    const part = await harness.store.copyPart({ ...upload, part_number: 1, source });
    await complete(harness, upload, [part]);
    expectBytes(await get(harness, bucket, 'key'), whole.subarray(range.start, range.end + 1));
  });

  testWith(harness, 'multipart', 'an object can be rebuilt from itself', async () => {
    const bucket = await harness.bucket();
    await put(harness, bucket, 'key', 'content');
    const upload = await beginUpload(harness, bucket, 'key');
    const source = { bucket, key: 'key', range: { start: 0, end: 3 } };
    const part = await harness.store.copyPart({ ...upload, part_number: 1, source });
    await complete(harness, upload, [part]);
    expect(await getText(harness, bucket, 'key')).toBe('cont');
  });

  testWith(harness, ['multipart', 'versioning'], 'a source may be an old version', async () => {
    const { store } = harness;
    const bucket = await harness.versionedBucket();
    const old = await put(harness, bucket, 'source', 'old');
    const latest = await put(harness, bucket, 'source', 'latest');
    const upload = await beginUpload(harness, bucket, 'key');
    for (const [version_id, text] of [
      [old.version_id, 'old'],
      [latest.version_id, 'latest'],
    ] as const) {
      const source = { bucket, key: 'source', version_id };
      const part = await store.copyPart({ ...upload, part_number: 1, source });
      expect(part).toMatchObject({ source_version_id: version_id, etag: hex('md5', utf8(text)) });
    }
    const unnamed = await store.copyPart({ ...upload, part_number: 1, source: { bucket, key: 'source' } });
    expect(unnamed.source_version_id).toBe(latest.version_id);
    const { version_id: marker = '' } = await store.deleteObject({ bucket, key: 'source' });
    const markers = [
      { bucket, key: 'source' },
      { bucket, key: 'source', version_id: marker },
    ];
    for (const source of markers) {
      const call = store.copyPart({ ...upload, part_number: 2, source });
      await failure(call, ['delete_marker', 'not_found']);
    }
  });
}

function refusals(harness: Harness): void {
  testWith(harness, 'multipart', 'what cannot be copied changes nothing', async () => {
    const { store } = harness;
    const bucket = await harness.bucket();
    const { etag } = await put(harness, bucket, 'source', 'content');
    const upload = await beginUpload(harness, bucket, 'key');
    const kept = await sendPart(harness, upload, 1, utf8('kept'));
    const copy = (source: CopyPartInput['source']) => store.copyPart({ ...upload, part_number: 1, source });
    const source = { bucket, key: 'source' };
    await failure(copy({ bucket, key: 'none' }), 'not_found', 'object');
    await failure(copy({ bucket: harness.bucketName(), key: 'source' }), 'not_found', 'bucket');
    await failure(copy({ ...source, range: { start: 7, end: 9 } }), ['range_not_satisfiable', 'invalid']);
    await failure(copy({ ...source, condition: { if_match: ['other'] } }), 'precondition_failed');
    const current = { if_none_match: [etag] };
    await failure(copy({ ...source, condition: current }), ['precondition_failed', 'not_modified']);
    expect((await store.listParts({ ...upload, limit: 9 })).parts).toEqual([seenLater(harness, kept)]);
    const copied = await copy({ ...source, condition: { if_match: [etag] } });
    expect(copied.etag).toBe(etag);
  });
}
