import { randomBytes } from 'node:crypto';
import { createCRC64 } from 'hash-wasm';
import { describe, expect, it } from 'vitest';
import { CRC64_START, crc64Digest, crc64Update } from './crc64-nvme.js';

const reference = await createCRC64('9a6c9329ac4bc9b5');

function expected(...pieces: readonly Uint8Array[]): string {
  reference.init();
  for (const piece of pieces) reference.update(piece);
  return reference.digest('hex');
}

function actual(...pieces: readonly Uint8Array[]): string {
  return crc64Digest(pieces.reduce(crc64Update, CRC64_START)).toString('hex');
}

const CHUNK = 128 * 1024;
const KIB = 1024;

// Lengths around those at which another way is taken: words, folding, chunks.
const LENGTHS = [
  ...Array.from({ length: 20 }, (_, length) => length),
  ...[3276, 3277, 3278, 4 * KIB, 64 * KIB, CHUNK, 2 * CHUNK, 512 * KIB].flatMap((length) => [
    length - 1,
    length,
    length + 1,
  ]),
  ...Array.from({ length: 40 }, (_, more) => 2 * 3277 - 5 + more),
  ...Array.from({ length: 40 }, (_, more) => CHUNK + 2 * 3277 - 20 + more),
];

describe('CRC64NVME', () => {
  it('is that of an independent implementation, for every way that bytes take', () => {
    for (const length of LENGTHS) {
      const bytes = randomBytes(length);
      expect(actual(bytes), `${length} bytes`).toBe(expected(bytes));
    }
  });

  it('goes on from piece to piece, whatever their lengths', () => {
    const bytes = randomBytes(1_000_000);
    for (const cut of [1, 7, 3277, 6554, 65_536, 262_144, 999_999]) {
      const pieces = [bytes.subarray(0, cut), bytes.subarray(cut)];
      expect(actual(...pieces)).toBe(expected(bytes));
      expect(actual(...pieces.toReversed())).toBe(expected(...pieces.toReversed()));
    }
  });

  it('sees every single bit', () => {
    const bytes = randomBytes(20_000);
    const before = actual(bytes);
    for (let at = 0; at < bytes.length; at += 61) {
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      expect(actual(bytes)).not.toBe(before);
      bytes[at] = (bytes[at] ?? 0) ^ 1;
    }
  });

  it('leaves no trace of one message in the next, and the message alone', () => {
    const [long, short] = [randomBytes(300_000), randomBytes(10_000)];
    const copy = Buffer.from(long);
    const alone = actual(short);
    actual(long);
    expect(actual(short)).toBe(alone);
    expect(long.equals(copy)).toBe(true);
  });
});
