import { randomBytes } from 'node:crypto';
import { crc32c } from '@node-rs/crc32';
import type { BlobCodec, BlobProtection, BlobRecord } from './blob-store.js';
import { corrupt } from './block-reader.js';
import type { DataKeys } from './data-keys.js';
import { openFrame, sealFrame } from './frame-cipher.js';
import { keyOf } from './frame-source.js';
import { createFrameTable, parseFrameTable, SALT_BYTES, tableLength } from './frame-table.js';
import { type Packer, unpackSmall } from './packing.js';
import { needKey } from './protected-sink.js';

const NO_TAG = Buffer.alloc(0);

/** A content that lives in the index: a table and one frame (frame-table.ts), or the bytes as they are. */
export async function encodeInline(
  bytes: Buffer,
  protection: BlobProtection,
  packer: Packer,
  keys: DataKeys | undefined,
): Promise<{ readonly codec: BlobCodec; readonly stored: Buffer }> {
  const compressed = protection.compress ? await packer.pack(bytes) : undefined;
  const packed =
    compressed !== undefined && compressed.length < bytes.length - tableLength(bytes.length, false);
  const frame = packed ? compressed : bytes;
  if (!protection.encrypt) {
    return packed
      ? { codec: 'packed', stored: withTable(bytes.length, frame) }
      : { codec: 'plain', stored: bytes };
  }
  const key = needKey(keys);
  const salt = randomBytes(SALT_BYTES);
  const sealer = sealFrame(key.blobKey(salt), { size_bytes: bytes.length, index: 0, packed });
  const sealed = sealer.update(frame);
  const table = createFrameTable(bytes.length, { key_id: key.id, salt });
  table.set(0, { stored_bytes: sealed.length, packed, crc: crc32c(sealed) >>> 0, tag: sealer.tag() });
  return { codec: 'sealed', stored: Buffer.concat([table.finish(), sealed]) };
}

function withTable(size_bytes: number, packed: Buffer): Buffer {
  const table = createFrameTable(size_bytes, null);
  table.set(0, { stored_bytes: packed.length, packed: true, crc: crc32c(packed) >>> 0, tag: NO_TAG });
  return Buffer.concat([table.finish(), packed]);
}

/** Errors: corrupt; unavailable when the key is not there. `stored` has been checked against its CRC32C. */
export function decodeInline(record: BlobRecord, stored: Buffer, keys: DataKeys | undefined): Buffer {
  if (record.codec === 'plain') return stored;
  const { size_bytes } = record;
  const table = parseFrameTable(stored, size_bytes, record.codec === 'sealed');
  if (typeof table === 'string') throw corrupt(record, table);
  const { packed, tag } = table.entry(0);
  const frame = stored.subarray(table.offset(0));
  const key = keyOf(record, table, keys);
  const bytes = key === undefined ? frame : openFrame(key, { size_bytes, index: 0, packed }, frame, tag);
  if (bytes === undefined) throw corrupt(record, 'its frame is not the one that was encrypted');
  if (!packed) return bytes;
  try {
    return unpackSmall(bytes, size_bytes);
  } catch {
    throw corrupt(record, 'its frame cannot be decompressed');
  }
}
