import { successor } from './index/keys.js';

/** Where the common prefix of `key` ends (behind the delimiter), looked for from `from` on; 0 when it has none. */
export function commonPrefix(key: Buffer, from: number, delimiter: Buffer): number {
  const at = key.indexOf(delimiter, from);
  return at === -1 ? 0 : at + delimiter.length;
}

/**
 * The first key that a listing may return, given the last one of the page before. Where that lies under a common
 * prefix, the rest of the prefix is skipped, so that it is never repeated. Undefined: there can be none.
 */
export function listStart(prefix: Buffer, delimiter: Buffer, after: Buffer | undefined): Buffer | undefined {
  if (after === undefined || Buffer.compare(after, prefix) < 0) return prefix;
  if (delimiter.length > 0 && after.subarray(0, prefix.length).equals(prefix)) {
    const common = commonPrefix(after, prefix.length, delimiter);
    if (common > 0) return successor(after.subarray(0, common));
  }
  return Buffer.concat([after, ZERO]);
}

/** The lowest byte string above a key is the key with a zero byte behind it. */
const ZERO = Buffer.from([0]);
