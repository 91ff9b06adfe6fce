import { describe, expect, it } from 'vitest';
import {
  FRAME_BYTES,
  frameBytes,
  PART_EXTRA_BYTES,
  partsOfEtag,
  plainBytes,
  plainBytesMax,
  storedBytes,
} from './format.js';

const GIB = 1024 ** 3;
const SIZES = [
  0,
  1,
  15,
  16,
  4_096,
  65_535,
  65_536,
  65_537,
  131_072,
  5 * 1024 ** 2 + 1,
  GIB,
  5 * GIB - 1,
  5 * GIB,
];

describe('the stored size', () => {
  it('tells that of an object of one piece', () => {
    for (const size_bytes of SIZES) {
      expect(plainBytes(storedBytes('object', size_bytes), null)).toBe(size_bytes);
    }
    for (let size_bytes = 0; size_bytes < 3 * FRAME_BYTES; size_bytes += 37) {
      expect(plainBytes(storedBytes('object', size_bytes), null)).toBe(size_bytes);
    }
  });

  it('tells that of an object of parts, whatever their sizes', () => {
    for (let count = 1; count <= SIZES.length; count++) {
      const sizes = SIZES.slice(0, count);
      const total = (of: (size_bytes: number) => number) => sizes.reduce((sum, size) => sum + of(size), 0);
      expect(
        plainBytes(
          total((size) => storedBytes('part', size)),
          count,
        ),
      ).toBe(total((size) => size));
    }
  });

  it('is not that of anything that was not encrypted, where it can be known', () => {
    for (const stored_bytes of [0, 1, 159, 161, 176, 160 + 65_536 + 17]) {
      expect(plainBytes(stored_bytes, null)).toBeUndefined();
    }
    expect(plainBytes(PART_EXTRA_BYTES - 1, 1)).toBeUndefined();
  });

  it('stays within what the upstream takes', () => {
    expect(storedBytes('object', plainBytesMax(5 * GIB))).toBeLessThanOrEqual(5 * GIB);
    expect(plainBytesMax(5 * GIB)).toBeGreaterThan(5 * GIB * 0.999);
    // Frames of the largest part, which a reader holds one at a time.
    expect(frameBytes('part', 5 * GIB)).toBeLessThanOrEqual(8 * 1024 ** 2);
  });

  it('needs the number of parts, which the ETag has', () => {
    expect(partsOfEtag('d41d8cd98f00b204e9800998ecf8427e-12')).toBe(12);
    expect(partsOfEtag('d41d8cd98f00b204e9800998ecf8427e')).toBeNull();
  });
});
