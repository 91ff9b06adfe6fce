import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  CHECKSUM_ALGORITHMS,
  CHECKSUM_BYTES,
  checksumOf,
  combineComposite,
  combineFullObject,
  createChecksum,
} from './checksums.js';

// The check values of the CRC catalogue (reveng) for '123456789', and FIPS 180 digests of the same text.
const CHECK_VALUES = {
  CRC32: 'cbf43926',
  CRC32C: 'e3069283',
  CRC64NVME: 'ae8b14860a799888',
  SHA1: 'f7c3bc1d808e04732adf679965ccc34ca7ae3441',
  SHA256: '15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225',
} as const;
const TEXT = Buffer.from('123456789');

describe.each(CHECKSUM_ALGORITHMS)('%s', (algorithm) => {
  it('gives the published check value', () => {
    expect(checksumOf(algorithm, TEXT).toString('hex')).toBe(CHECK_VALUES[algorithm]);
    expect(checksumOf(algorithm, TEXT)).toHaveLength(CHECKSUM_BYTES[algorithm]);
  });

  it('gives the same for bytes in pieces, with other hashers at work in between', () => {
    const hasher = createChecksum(algorithm);
    const other = createChecksum(algorithm);
    for (const byte of TEXT) {
      hasher.update(Buffer.from([byte]));
      other.update(Buffer.from([byte, byte]));
      checksumOf(algorithm, TEXT);
    }
    expect(hasher.digest().toString('hex')).toBe(CHECK_VALUES[algorithm]);
    expect(other.digest()).toEqual(checksumOf(algorithm, Buffer.from('112233445566778899')));
  });

  it('does not mind empty pieces', () => {
    const hasher = createChecksum(algorithm);
    for (const byte of TEXT) {
      hasher.update(Buffer.from([byte]));
      hasher.update(new Uint8Array(new ArrayBuffer(0)));
    }
    expect(hasher.digest().toString('hex')).toBe(CHECK_VALUES[algorithm]);
  });

  it('knows the checksum of nothing', () => {
    expect(createChecksum(algorithm).digest()).toEqual(checksumOf(algorithm, Buffer.alloc(0)));
  });

  it('hands out digests that later work does not change', () => {
    const first = checksumOf(algorithm, TEXT);
    checksumOf(algorithm, Buffer.from('other'));
    expect(first.toString('hex')).toBe(CHECK_VALUES[algorithm]);
  });
});

describe('combined checksums', () => {
  const sizes = [5, 70_000, 1, 0, 65_536, 3];
  const pieces = sizes.map((size) => randomBytes(size));
  const whole = Buffer.concat(pieces);

  it.each(['CRC32', 'CRC32C', 'CRC64NVME'] as const)(
    '%s of the parts gives that of the whole',
    (algorithm) => {
      const parts = pieces.map((piece) => ({
        checksum: checksumOf(algorithm, piece),
        size_bytes: piece.length,
      }));
      expect(combineFullObject(algorithm, parts)).toEqual(checksumOf(algorithm, whole));
    },
  );

  it('combines parts whose length has more than 32 bits', () => {
    // The CRC of n zero bytes follows from squaring: combine 8 GiB out of 1 GiB pieces and out of 4 GiB + 4 GiB.
    const zeros = (size: number) => ({
      checksum: checksumOf('CRC64NVME', Buffer.alloc(size)),
      size_bytes: size,
    });
    const double = (part: { checksum: Buffer; size_bytes: number }) => ({
      checksum: combineFullObject('CRC64NVME', [part, part]),
      size_bytes: part.size_bytes * 2,
    });
    let part = zeros(1024);
    while (part.size_bytes < 2 ** 34) part = double(part);
    const tail = zeros(17);
    const inOrder = combineFullObject('CRC64NVME', [tail, part]);
    const split = { ...part, size_bytes: 2 ** 33, checksum: halfOf() };
    expect(combineFullObject('CRC64NVME', [tail, split, split])).toEqual(inOrder);
    function halfOf(): Buffer {
      let half = zeros(1024);
      while (half.size_bytes < 2 ** 33) half = double(half);
      return half.checksum;
    }
  });

  it('refuses to combine digests that are no CRC', () => {
    expect(() => combineFullObject('SHA256', [])).toThrow(RangeError);
  });

  it('hashes the part checksums for a composite value', () => {
    const parts = pieces.map((piece) => checksumOf('SHA256', piece));
    expect(combineComposite('SHA256', parts)).toEqual(checksumOf('SHA256', Buffer.concat(parts)));
  });
});
