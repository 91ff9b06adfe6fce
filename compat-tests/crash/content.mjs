import { createHash } from 'node:crypto';

const KIB = 1024;
const MIB = 1024 ** 2;

/** S3 API reference, "Multipart upload limits": every part but the last. */
export const PART_BYTES_MIN = 5 * MIB;

/** Seeds below this one come up again and again, so that objects share content and a lost reference shows. */
const SHARED_SEEDS = 12;

/**
 * Bytes that can be made again from two numbers.
 * @typedef {object} Content
 * @property {number} seed
 * @property {number} size_bytes
 * @property {string} sha256 hex
 */

/** @param {number} seed @param {number} size_bytes */
export function makeBytes(seed, size_bytes) {
  const words = new Uint32Array(Math.ceil(size_bytes / 4));
  let word = (Math.imul(seed + 1, 0x9e3779b1) ^ size_bytes) >>> 0 || 1;
  for (let index = 0; index < words.length; index += 1) {
    // xorshift32 (Marsaglia, 2003)
    word ^= word << 13;
    word ^= word >>> 17;
    word ^= word << 5;
    words[index] = word;
  }
  return Buffer.from(words.buffer, 0, size_bytes);
}

/** @param {Buffer} bytes */
export function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

/**
 * @param {number} seed
 * @param {number} size_bytes
 * @returns {{ content: Content, body: Buffer }}
 */
export function makeContent(seed, size_bytes) {
  const body = makeBytes(seed, size_bytes);
  return { content: { seed, size_bytes, sha256: sha256(body) }, body };
}

/**
 * Mostly small, some large: what lies inline, in one file, and in many blocks.
 * @param {import('./random.mjs').Random} random
 */
export function randomContent(random) {
  if (random.chance(0.3)) {
    const seed = random.integer(1, SHARED_SEEDS);
    return makeContent(seed, seed * 12_000);
  }
  const dice = random.next();
  const bytes_max = dice < 0.65 ? 4 * KIB : dice < 0.92 ? 64 * KIB : dice < 0.98 ? MIB : 4 * MIB;
  return makeContent(random.integer(1_000, 1_000_000_000), random.integer(0, bytes_max));
}
