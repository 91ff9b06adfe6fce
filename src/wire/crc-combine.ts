/**
 * CRC of concatenated data out of the CRCs and lengths of its pieces: crc(A B) = crc(A) * x^(8 |B|) + crc(B), modulo the
 * CRC's polynomial over GF(2). The method of zlib's crc32_combine, for reflected CRCs of 32 and 64 bits that start from
 * and end with an inversion.
 */
export type CrcAlgorithm = 'CRC32' | 'CRC32C' | 'CRC64NVME';

/** Reflected, so the coefficient of x^0 is the highest bit. A 32-bit value lives in `low`. */
interface Word {
  readonly high: number;
  readonly low: number;
}

interface Field {
  readonly wide: boolean;
  readonly polynomial: Word;
  /** x^(2^n) for rising n, grown on demand. */
  readonly squares: Word[];
}

const TOP_BIT = 0x8000_0000;

const FIELDS: Readonly<Record<CrcAlgorithm, Field>> = {
  CRC32: { wide: false, polynomial: { high: 0, low: 0xedb8_8320 }, squares: [] },
  CRC32C: { wide: false, polynomial: { high: 0, low: 0x82f6_3b78 }, squares: [] },
  CRC64NVME: { wide: true, polynomial: { high: 0x9a6c_9329, low: 0xac4b_c9b5 }, squares: [] },
};

/** Lengths in bytes; values big-endian. No parts give the CRC of nothing: zeros. */
export function combineCrc(
  algorithm: CrcAlgorithm,
  parts: readonly { readonly checksum: Uint8Array; readonly size_bytes: number }[],
): Buffer {
  const field = FIELDS[algorithm];
  // Parts are mostly of one size, so the shift is computed once or twice for thousands of them.
  const shifts = new Map<number, Word>();
  let crc: Word = { high: 0, low: 0 };
  for (const part of parts) {
    let shift = shifts.get(part.size_bytes);
    if (shift === undefined) {
      shift = shiftBy(field, part.size_bytes);
      shifts.set(part.size_bytes, shift);
    }
    const shifted = multiply(field, shift, crc);
    const own = toWord(field, part.checksum);
    crc = { high: shifted.high ^ own.high, low: shifted.low ^ own.low };
  }
  return toBytes(field, crc);
}

/** x^(8 * size_bytes). */
function shiftBy(field: Field, size_bytes: number): Word {
  let product: Word = field.wide ? { high: TOP_BIT, low: 0 } : { high: 0, low: TOP_BIT };
  let rest = size_bytes;
  // 8 = 2^3: the lowest bit of the length stands for x^(2^3).
  for (let exponent = 3; rest > 0; exponent += 1) {
    if (rest % 2 === 1) product = multiply(field, square(field, exponent), product);
    rest = Math.floor(rest / 2);
  }
  return product;
}

function square(field: Field, exponent: number): Word {
  const known = field.squares[exponent];
  if (known !== undefined) return known;
  const below = exponent === 0 ? undefined : square(field, exponent - 1);
  const x: Word = field.wide ? { high: TOP_BIT >>> 1, low: 0 } : { high: 0, low: TOP_BIT >>> 1 };
  const value = below === undefined ? x : multiply(field, below, below);
  field.squares[exponent] = value;
  return value;
}

function multiply(field: Field, a: Word, b: Word): Word {
  const { polynomial } = field;
  let { high, low } = b;
  let productHigh = 0;
  let productLow = 0;
  for (const word of field.wide ? [a.high, a.low] : [a.low]) {
    for (let bit = TOP_BIT; bit !== 0; bit >>>= 1) {
      if ((word & bit) !== 0) {
        productHigh ^= high;
        productLow ^= low;
      }
      const overflow = (low & 1) !== 0;
      low = (low >>> 1) | (high << 31);
      high >>>= 1;
      if (overflow) {
        low ^= polynomial.low;
        high ^= polynomial.high;
      }
    }
  }
  return { high: productHigh, low: productLow };
}

function toWord(field: Field, bytes: Uint8Array): Word {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return field.wide
    ? { high: view.getUint32(0), low: view.getUint32(4) }
    : { high: 0, low: view.getUint32(0) };
}

function toBytes(field: Field, word: Word): Buffer {
  const bytes = Buffer.alloc(field.wide ? 8 : 4);
  if (field.wide) bytes.writeUInt32BE(word.high >>> 0, 0);
  bytes.writeUInt32BE(word.low >>> 0, field.wide ? 4 : 0);
  return bytes;
}
