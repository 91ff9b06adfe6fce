import { createHash } from 'node:crypto';

/**
 * Keys of the log's tables. Parts end with two zero characters, a zero inside a part is followed by a one, so that the
 * order of the whole is that of the parts, whatever bytes an object key holds.
 */
const END = '\u0000\u0000';
const ZERO = '\u0000\u0001';
/** Behind every key that begins with the same parts: UTF-8 has no higher character. */
const LAST = '\u{10ffff}';
/** Names and an object key take up to 1,200 bytes. */
const VERSION_BYTES_MAX = 128;

function part(text: string): string {
  return `${text.includes('\u0000') ? text.replaceAll('\u0000', ZERO) : text}${END}`;
}

/** An id as part of a key: a long one by its digest. */
function versionPart(version_id: string): string {
  if (version_id.length <= VERSION_BYTES_MAX) return version_id;
  return `sha256:${createHash('sha256').update(version_id).digest('hex')}`;
}

/** Width of the digits of sequences: their order as text is that of the numbers. */
const SEQUENCE_DIGITS = 15;

export interface LogKeys {
  sequence(sequence: number): string;
  readSequence(key: string): number;
  intent(id: string): string;
  bucket(bucket: string): string;
  readBucket(key: string): string;
  version(bucket: string, key: string, version_id: string): string;
  /** Before all versions of the key, and behind them. */
  beforeKey(bucket: string, key: string): string;
  behindKey(bucket: string, key: string): string;
  beforeBucket(bucket: string): string;
  behindBucket(bucket: string): string;
  /** Behind everything of this adapter. */
  readonly end: string;
  readonly start: string;
  /** Whether the database takes such a key: one made of hundreds of zero characters it does not. */
  fits(key: string): boolean;
}

const KEY_BYTES_MAX = 1_978;

export function logKeys(adapter: string): LogKeys {
  const start = part(adapter);
  return {
    start,
    end: `${start}${LAST}`,
    fits: (key) => key.length * 3 <= KEY_BYTES_MAX || Buffer.byteLength(key) <= KEY_BYTES_MAX,
    sequence: (sequence) => `${start}${String(sequence).padStart(SEQUENCE_DIGITS, '0')}`,
    readSequence: (key) => Number(key.slice(start.length)),
    intent: (id) => `${start}${id}`,
    bucket: (bucket) => `${start}${bucket}`,
    readBucket: (key) => key.slice(start.length),
    version: (bucket, key, version_id) => `${start}${part(bucket)}${part(key)}${versionPart(version_id)}`,
    beforeKey: (bucket, key) => `${start}${part(bucket)}${part(key)}`,
    behindKey: (bucket, key) => `${start}${part(bucket)}${part(key)}${LAST}`,
    beforeBucket: (bucket) => `${start}${part(bucket)}`,
    behindBucket: (bucket) => `${start}${part(bucket)}${LAST}`,
  };
}
