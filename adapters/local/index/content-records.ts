import type { BlobCodec } from '../blobs/blob-store.js';
import * as bytes from './bytes.js';
import {
  type ContentKind,
  getChecksum,
  getContent,
  hasBlobId,
  putChecksum,
  putContent,
  type StoredChecksum,
} from './records.js';

/** A file of the blob store, in the table of blobs under its id. */
export interface BlobRow {
  readonly references: number;
  readonly corrupt: boolean;
  readonly size_bytes: number;
  /** When the last reference went; 0 while there is one. */
  readonly unreferenced_at_ms: number;
  readonly block_crcs: Buffer;
}

function encodeBlob(row: BlobRow): Buffer {
  bytes.begin();
  bytes.putUint32(row.references);
  bytes.putUint8(row.corrupt ? 1 : 0);
  bytes.putUint48(row.size_bytes);
  bytes.putUint48(row.unreferenced_at_ms);
  bytes.putBytes(row.block_crcs);
  return bytes.finish();
}

const BLOB_HEAD_BYTES = 4 + 1 + 6 + 6;

function decodeBlob(source: Buffer): BlobRow {
  bytes.openBytes(source);
  return {
    references: bytes.getUint32(),
    corrupt: bytes.getUint8() === 1,
    size_bytes: bytes.getUint48(),
    unreferenced_at_ms: bytes.getUint48(),
    block_crcs: bytes.getBytes(source.length - BLOB_HEAD_BYTES),
  };
}

export const blobEncoder = { encode: encodeBlob, decode: decodeBlob };

/** Content that lives in the index, as the blob store encoded it, with the CRC32C of its one block before it. */
export interface SmallRow {
  readonly block_crcs: Buffer;
  readonly content: Buffer;
}

export const smallEncoder = {
  encode(row: SmallRow): Buffer {
    bytes.begin();
    bytes.putUint8(row.block_crcs.length);
    bytes.putBytes(row.block_crcs);
    bytes.putBytes(row.content);
    return bytes.finish();
  },
  decode(source: Uint8Array): SmallRow {
    const copy = Buffer.allocUnsafe(source.length);
    // What LMDB lends may be longer than its length says: only `length` bytes are the value.
    copy.set(source.subarray(0, source.length));
    const start = 1 + (copy[0] ?? 0);
    return { block_crcs: copy.subarray(1, start), content: copy.subarray(start) };
  },
};

/** One part, of an unfinished upload or of a finished object. */
export interface PartRecord {
  readonly part_number: number;
  readonly size_bytes: number;
  /** Hex. */
  readonly md5: string;
  readonly modified_at_ms: number;
  readonly content: Exclude<ContentKind, 'manifest'>;
  readonly codec: BlobCodec;
  /** Key of the content when it is `small`. */
  readonly sequence: number;
  /** Hex. */
  readonly sha256: string;
  /** See ObjectRecord. */
  readonly blob_id: string | null;
  readonly checksum: StoredChecksum;
}

function putPart(part: PartRecord): void {
  bytes.putUint16(part.part_number);
  bytes.putUint48(part.size_bytes);
  bytes.putHex(part.md5);
  bytes.putUint48(part.modified_at_ms);
  putContent(part);
  bytes.putUint48(part.sequence);
  bytes.putHex(part.sha256);
  if (part.blob_id !== null) bytes.putHex(part.blob_id);
  putChecksum(part.checksum);
}

function getPart(): PartRecord {
  const part_number = bytes.getUint16();
  const size_bytes = bytes.getUint48();
  const md5 = bytes.getHex(16);
  const modified_at_ms = bytes.getUint48();
  const { content, codec } = getContent();
  const sequence = bytes.getUint48();
  const sha256 = bytes.getHex(32);
  const blob_id = hasBlobId(content, codec) ? bytes.getHex(32) : null;
  return {
    part_number,
    size_bytes,
    md5,
    modified_at_ms,
    content: content === 'manifest' ? 'empty' : content,
    codec,
    sequence,
    sha256,
    blob_id,
    checksum: getChecksum(),
  };
}

export const partEncoder = {
  encode(part: PartRecord): Buffer {
    bytes.begin();
    putPart(part);
    return bytes.finish();
  },
  decode(source: Buffer): PartRecord {
    bytes.openBytes(source);
    return getPart();
  },
};

/** The parts of a finished object, in order. */
export const manifestEncoder = {
  encode(parts: readonly PartRecord[]): Buffer {
    bytes.begin();
    bytes.putUint16(parts.length);
    for (const part of parts) putPart(part);
    return bytes.finish();
  },
  decode(source: Uint8Array): readonly PartRecord[] {
    bytes.openBytes(source);
    const parts: PartRecord[] = [];
    for (let count = bytes.getUint16(); count > 0; count -= 1) parts.push(getPart());
    return parts;
  },
};
