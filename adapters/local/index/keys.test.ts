import { expect, test } from 'vitest';
import { LIMITS } from '../../../config/limits.js';
import { BUCKET_ID_BYTES, groupedKey, readGroupedKey, successor, uploadKey, versionKey } from './keys.js';

/** Every string of up to five bytes out of a few telling ones, and lengths around the groups of eight. */
function telling(): Buffer[] {
  const alphabet = [0x00, 0x01, 0x2f, 0x61, 0xff];
  let level: number[][] = [[]];
  const all: number[][] = [];
  for (let length = 0; length < 5; length += 1) {
    level = level.flatMap((bytes) => alphabet.map((byte) => [...bytes, byte]));
    all.push(...level);
  }
  for (const length of [7, 8, 9, 15, 16, 17]) {
    for (const byte of alphabet) all.push(Array.from({ length }, () => byte));
    all.push([...Array.from({ length }, () => 0x61), 0]);
  }
  return all.map((bytes) => Buffer.from(bytes));
}

test('grouped keys sort as the keys do, and give them back', () => {
  const keys = telling();
  for (const key of keys) expect(readGroupedKey(groupedKey(1, key)).key).toEqual(key);
  const sorted = [...keys].sort(Buffer.compare).map((key) => key.toString('hex'));
  const bySorting = [...keys]
    .sort((a, b) => Buffer.compare(groupedKey(1, a), groupedKey(1, b)))
    .map((key) => key.toString('hex'));
  expect(bySorting).toEqual(sorted);
});

test('what follows a grouped key never mixes with that of another key', () => {
  const rows = telling().flatMap((key) => [
    { key, sequence: 1, row: versionKey(7, key, 1) },
    { key, sequence: 999, row: versionKey(7, key, 999) },
  ]);
  rows.sort((a, b) => Buffer.compare(a.row, b.row));
  for (let index = 1; index < rows.length; index += 1) {
    const [before, after] = [rows[index - 1], rows[index]];
    if (before === undefined || after === undefined) continue;
    const order = Buffer.compare(before.key, after.key);
    expect(order).toBeLessThanOrEqual(0);
    if (order === 0) expect(before.sequence).toBeGreaterThan(after.sequence);
  }
});

test('the longest S3 key fits an LMDB key, whatever its bytes', () => {
  const lmdb_key_bytes_max = 1_978;
  const key = Buffer.alloc(LIMITS.key_bytes_max);
  expect(versionKey(1, key, 1).length).toBeLessThanOrEqual(lmdb_key_bytes_max);
  expect(uploadKey(1, key, Buffer.alloc(14)).length).toBeLessThanOrEqual(lmdb_key_bytes_max);
});

test('the successor of a prefix is above all that begin with it and below all others', () => {
  const keys = telling().filter((key) => key.length <= 3);
  for (const prefix of keys) {
    const next = successor(prefix);
    if (next === undefined) {
      expect(prefix.every((byte) => byte === 0xff)).toBe(true);
      continue;
    }
    const beginsWith = (key: Buffer) => key.subarray(0, prefix.length).equals(prefix);
    const between = keys.filter((key) => Buffer.compare(key, prefix) >= 0 && Buffer.compare(key, next) < 0);
    expect(between).toEqual(keys.filter(beginsWith));
  }
});

test('buckets are apart', () => {
  const end = groupedKey(1, Buffer.from('zzz')).subarray(0, BUCKET_ID_BYTES);
  expect(end.readUInt32BE(0)).toBe(1);
});
