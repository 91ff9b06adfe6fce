import { describe, expect, test } from 'vitest';
import type { ByteRange } from '../contract/index.js';
import { bytesOf, createRandom, integerBetween, streamOf, utf8 } from './support/bytes.js';
import { expectBytes, failure } from './support/expect.js';
import { get, type Harness, put } from './support/harness.js';

export function rangeTests(harness: Harness): void {
  describe('ranges', () => {
    satisfiable(harness);
    unsatisfiable(harness);
    everywhere(harness);
    partNumbers(harness);
  });
}

const SIZES_BYTES = [1, 10, 5_000, 1_500_000];

function satisfiable(harness: Harness): void {
  test('first, middle, open and last ranges', async () => {
    const bucket = await harness.bucket();
    for (const size_bytes of SIZES_BYTES) {
      const content = bytesOf(1, size_bytes);
      const last = size_bytes - 1;
      const middle = Math.floor(size_bytes / 2);
      await put(harness, bucket, 'key', content);
      const cases: [ByteRange, number, number][] = [
        [{ start: 0 }, 0, last],
        [{ start: 0, end: 0 }, 0, 0],
        [{ start: 0, end: last }, 0, last],
        [{ start: 0, end: size_bytes + 1_000 }, 0, last],
        [{ start: middle }, middle, last],
        [{ start: middle, end: middle }, middle, middle],
        [{ start: last, end: Number.MAX_SAFE_INTEGER }, last, last],
        [{ suffix: 1 }, last, last],
        [{ suffix: size_bytes }, 0, last],
        [{ suffix: size_bytes + 5 }, 0, last],
      ];
      for (const [range, start, end] of cases) {
        const about = `${JSON.stringify(range)} of ${size_bytes}`;
        const head = await harness.store.headObject({ bucket, key: 'key', range });
        expect(head.range, about).toEqual({ start, end });
        expect(head.info.size_bytes, about).toBe(size_bytes);
        const read = await harness.store.getObject({ bucket, key: 'key', range });
        expect(read.range, about).toEqual({ start, end });
        expectBytes(await get(harness, bucket, 'key', { range }), content.subarray(start, end + 1), about);
      }
    }
  });

  test('a range comes with conditions', async () => {
    const bucket = await harness.bucket();
    const { etag } = await put(harness, bucket, 'key', '0123456789');
    const range = { start: 2, end: 4 };
    const read = await get(harness, bucket, 'key', { range, condition: { if_match: [etag] } });
    expectBytes(read, utf8('234'));
    const failing = { bucket, key: 'key', range, condition: { if_match: ['other'] } };
    await failure(harness.store.getObject(failing), 'precondition_failed', 'object');
  });
}

function unsatisfiable(harness: Harness): void {
  test('a range behind the end says how long the object is', async () => {
    const bucket = await harness.bucket();
    for (const size_bytes of SIZES_BYTES) {
      await put(harness, bucket, 'key', bytesOf(1, size_bytes));
      for (const range of [
        { start: size_bytes },
        { start: size_bytes + 7, end: size_bytes + 9 },
        { suffix: 0 },
      ]) {
        for (const method of ['getObject', 'headObject'] as const) {
          const call = harness.store[method]({ bucket, key: 'key', range });
          const error = await failure(call, 'range_not_satisfiable', 'object');
          expect(error.detail.size_bytes).toBe(size_bytes);
        }
      }
    }
  });

  test('an empty object has no range', async () => {
    const bucket = await harness.bucket();
    await put(harness, bucket, 'key', '');
    for (const range of [{ start: 0 }, { start: 0, end: 9 }, { start: 5 }]) {
      const call = harness.store.getObject({ bucket, key: 'key', range });
      const error = await failure(call, 'range_not_satisfiable', 'object');
      expect(error.detail.size_bytes).toBe(0);
    }
    expectBytes(await get(harness, bucket, 'key'), utf8(''));
  });
}

function everywhere(harness: Harness): void {
  test('any range of a large object is the bytes at that place', async () => {
    const random = createRandom(20_260_101);
    const bucket = await harness.bucket();
    const size_bytes = 2_621_441;
    const content = bytesOf(2, size_bytes);
    await harness.store.putObject({ bucket, key: 'key', body: streamOf(content, [99_991]), size_bytes });
    for (let round = 0; round < 60; round++) {
      const start = integerBetween(random, 0, size_bytes - 1);
      const end = integerBetween(random, start, Math.min(size_bytes - 1, start + 1_200_000));
      const read = await get(harness, bucket, 'key', { range: { start, end } });
      expectBytes(read, content.subarray(start, end + 1), `${start}-${end}`);
    }
  });

  test('ranges that begin or end at a power of two', async () => {
    const bucket = await harness.bucket();
    const content = bytesOf(3, 2 ** 20 + 1);
    await put(harness, bucket, 'key', content);
    for (const edge of [2 ** 12, 2 ** 16, 2 ** 18, 2 ** 19, 2 ** 20]) {
      for (const [start, end] of [
        [edge - 1, edge],
        [edge, edge],
        [edge - 1, edge - 1],
        [edge - 4_096, edge - 1],
      ] as const) {
        const read = await get(harness, bucket, 'key', { range: { start, end } });
        expectBytes(read, content.subarray(start, end + 1), `${start}-${end}`);
      }
    }
  });
}

function partNumbers(harness: Harness): void {
  test('an object of one piece is its own first part', async () => {
    const bucket = await harness.bucket();
    const content = bytesOf(4, 1_000);
    await put(harness, bucket, 'key', content);
    expectBytes(await get(harness, bucket, 'key', { part_number: 1 }), content);
    const { info } = await harness.store.headObject({ bucket, key: 'key', part_number: 1 });
    expect(info.parts_count).toBeNull();
    const second = { bucket, key: 'key', part_number: 2 };
    for (const method of ['headObject', 'getObject'] as const) {
      await failure(harness.store[method](second), ['range_not_satisfiable', 'invalid_part']);
    }
  });
}
