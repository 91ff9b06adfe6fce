import { createHash } from 'node:crypto';

export const MIB = 1024 ** 2;

/**
 * Bytes that differ everywhere and are the same in every run: a block lost, doubled or swapped shows.
 * @param seed tells one object's content from another's
 */
export function bytes(size_bytes: number, seed = 1): Buffer {
  const words = new Uint32Array(Math.ceil(size_bytes / 4));
  let state = Math.imul(seed, 0x9e3779b1) | 1;
  for (let index = 0; index < words.length; index += 1) {
    // xorshift32 (Marsaglia, 2003)
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[index] = state >>> 0;
  }
  return Buffer.from(words.buffer, 0, size_bytes);
}

export function md5(data: Buffer): string {
  return createHash('md5').update(data).digest('hex');
}

export function sha256(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Keys that are data, however odd they look to a path, a URL or a shell. */
export const ODD_KEYS = [
  'plain.txt',
  'with space.txt',
  'plus+sign',
  'percent%20literal',
  '100%',
  'ünïcödé/naïve/日本語.txt',
  'emoji-😀.bin',
  'a//b',
  'folder/',
  'quote\'and"double',
  'q?question&amp;=equals',
  'hash#tag',
  'tilde~(paren)!*',
  'semi;colon:at@comma,dollar$',
  'back\\slash',
];
