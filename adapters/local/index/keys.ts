/**
 * Keys of the index are byte strings, compared byte by byte: UTF-8 order, which is S3's, unlike the order of
 * JavaScript strings.
 *
 *   objects            bucket id (4) · key
 *   versions           bucket id (4) · grouped key · inverted sequence (8)
 *   uploads, completed bucket id (4) · grouped key · upload id (14)
 *   parts              upload id (14) · part number (2)
 *   changes, small, …  sequence (8)
 *
 * "Grouped" makes a key self-delimiting without changing the order: eight bytes at a time, filled with zeros, each
 * group followed by how many of its bytes count (9: all eight, and more follow). Unlike escaping zero bytes, which
 * doubles a key in the worst case, it costs an eighth, so that every S3 key fits an LMDB key.
 */
const GROUP = 8;
const MORE = 9;
export const BUCKET_ID_BYTES = 4;
const SEQUENCE_BYTES = 8;
export const UPLOAD_ID_BYTES = 14;

export function objectKey(bucket_id: number, key: string): Buffer {
  return rawObjectKey(bucket_id, Buffer.from(key, 'utf8'));
}

export function rawObjectKey(bucket_id: number, key: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(BUCKET_ID_BYTES + key.length);
  bytes.writeUInt32BE(bucket_id, 0);
  bytes.set(key, BUCKET_ID_BYTES);
  return bytes;
}

export function bucketKey(bucket_id: number): Buffer {
  const bytes = Buffer.allocUnsafe(BUCKET_ID_BYTES);
  bytes.writeUInt32BE(bucket_id, 0);
  return bytes;
}

function groupedLength(key_bytes: number): number {
  return (Math.floor(key_bytes / GROUP) + 1) * (GROUP + 1);
}

/** Bucket id and grouped key, with `tail` zero bytes behind them for the caller to fill. */
export function groupedKey(bucket_id: number, key: Uint8Array, tail = 0): Buffer {
  const bytes = Buffer.alloc(BUCKET_ID_BYTES + groupedLength(key.length) + tail);
  bytes.writeUInt32BE(bucket_id, 0);
  let at = BUCKET_ID_BYTES;
  for (let from = 0; ; from += GROUP) {
    const count = Math.min(GROUP, key.length - from);
    bytes.set(key.subarray(from, from + count), at);
    const last = from + GROUP > key.length;
    bytes[at + GROUP] = last ? count : MORE;
    at += GROUP + 1;
    if (last) return bytes;
  }
}

/** The key bytes out of a grouped key, and where what follows it begins. */
export function readGroupedKey(bytes: Buffer): { key: Buffer; end: number } {
  const key = Buffer.allocUnsafe(bytes.length);
  let length = 0;
  for (let at = BUCKET_ID_BYTES; ; at += GROUP + 1) {
    const mark = bytes[at + GROUP] ?? 0;
    bytes.copy(key, length, at, at + GROUP);
    if (mark !== MORE) return { key: key.subarray(0, length + mark), end: at + GROUP + 1 };
    length += GROUP;
  }
}

export function versionKey(bucket_id: number, key: Uint8Array, sequence: number): Buffer {
  const bytes = groupedKey(bucket_id, key, SEQUENCE_BYTES);
  writeInverted(bytes, bytes.length - SEQUENCE_BYTES, sequence);
  return bytes;
}

/** Newest first: the higher the sequence, the lower the bytes. */
function writeInverted(bytes: Buffer, at: number, sequence: number): void {
  bytes.writeUInt16BE(0xffff, at);
  bytes.writeUIntBE(0xffffffffffff - sequence, at + 2, 6);
}

export function uploadKey(bucket_id: number, key: Uint8Array, upload_id: Uint8Array): Buffer {
  const bytes = groupedKey(bucket_id, key, UPLOAD_ID_BYTES);
  bytes.set(upload_id, bytes.length - UPLOAD_ID_BYTES);
  return bytes;
}

export function partKey(upload_id: Uint8Array, part_number: number): Buffer {
  const bytes = Buffer.allocUnsafe(UPLOAD_ID_BYTES + 2);
  bytes.set(upload_id, 0);
  bytes.writeUInt16BE(part_number, UPLOAD_ID_BYTES);
  return bytes;
}

export function sequenceKey(sequence: number): Buffer {
  const bytes = Buffer.allocUnsafe(SEQUENCE_BYTES);
  bytes.writeUInt16BE(0, 0);
  bytes.writeUIntBE(sequence, 2, 6);
  return bytes;
}

export function readSequenceKey(bytes: Buffer): number {
  return bytes.readUIntBE(2, 6);
}

/** The lowest byte string above all that begin with `prefix`; undefined when there is none. */
export function successor(prefix: Uint8Array): Buffer | undefined {
  let length = prefix.length;
  while (length > 0 && prefix[length - 1] === 0xff) length -= 1;
  if (length === 0) return undefined;
  const bytes = Buffer.from(prefix.subarray(0, length));
  bytes[length - 1] = (bytes[length - 1] ?? 0) + 1;
  return bytes;
}
