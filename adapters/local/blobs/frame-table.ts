import { crc32c } from '@node-rs/crc32';
import { KEY_ID_BYTES } from './data-keys.js';
import { BLOCK_BYTES } from './paths.js';

/**
 * Content that is compressed or encrypted is stored as frames, one for each block of BLOCK_BYTES, so that any range can
 * be read by itself. A table stands before them:
 *
 *   magic (4) · flags (1) · size of the content (6) · [key id (8) · salt (32)]
 *   for each frame: packed (1 bit) and stored length (31 bits) · CRC32C of the stored bytes (4) · [tag (16)]
 *   CRC32C of all that (4)
 *
 * What is in brackets is there when the frames are encrypted. The table lies in the file and not in the index, because
 * the same content may be written again at any time, and comes out differently: a file and its table change places with
 * the old ones in one rename, and no crash or reader comes between them.
 */
export const SALT_BYTES = 32;
export const TAG_BYTES = 16;
const MAGIC = Buffer.from('PBF1');
const FLAG_SEALED = 1;
const HEAD_BYTES = MAGIC.length + 1 + 6;
const SEALED_HEAD_BYTES = HEAD_BYTES + KEY_ID_BYTES + SALT_BYTES;
const ENTRY_BYTES = 8;
const SEALED_ENTRY_BYTES = ENTRY_BYTES + TAG_BYTES;
const CRC_BYTES = 4;
const PACKED = 0x8000_0000;

interface FrameEntry {
  readonly stored_bytes: number;
  /** Compressed. */
  readonly packed: boolean;
  /** Of the stored bytes. */
  readonly crc: number;
  /** Empty where the frames are not encrypted. */
  readonly tag: Buffer;
}

export interface FrameTable {
  readonly count: number;
  /** Empty where the frames are not encrypted. */
  readonly key_id: Buffer;
  readonly salt: Buffer;
  /** Of table and frames. */
  readonly file_bytes: number;
  entry(index: number): FrameEntry;
  /** Where the frame begins in the file. */
  offset(index: number): number;
}

const countFrames = (size_bytes: number) => Math.ceil(size_bytes / BLOCK_BYTES);

export function tableLength(size_bytes: number, sealed: boolean): number {
  const count = countFrames(size_bytes);
  return sealed
    ? SEALED_HEAD_BYTES + count * SEALED_ENTRY_BYTES + CRC_BYTES
    : HEAD_BYTES + count * ENTRY_BYTES + CRC_BYTES;
}

/** Fills a table while its frames are written. */
export interface FrameTableWriter {
  /** Bytes that it takes, known from the start. */
  readonly length: number;
  set(index: number, entry: FrameEntry): void;
  finish(): Buffer;
}

export function createFrameTable(
  size_bytes: number,
  sealed: { readonly key_id: Buffer; readonly salt: Buffer } | null,
): FrameTableWriter {
  const bytes = Buffer.alloc(tableLength(size_bytes, sealed !== null));
  bytes.set(MAGIC, 0);
  bytes[MAGIC.length] = sealed === null ? 0 : FLAG_SEALED;
  bytes.writeUIntBE(size_bytes, MAGIC.length + 1, 6);
  if (sealed !== null) {
    bytes.set(sealed.key_id, HEAD_BYTES);
    bytes.set(sealed.salt, HEAD_BYTES + KEY_ID_BYTES);
  }
  const first = sealed === null ? HEAD_BYTES : SEALED_HEAD_BYTES;
  const stride = sealed === null ? ENTRY_BYTES : SEALED_ENTRY_BYTES;
  return {
    length: bytes.length,
    set(index, { stored_bytes, packed, crc, tag }) {
      const at = first + index * stride;
      bytes.writeUInt32BE(stored_bytes + (packed ? PACKED : 0), at);
      bytes.writeUInt32BE(crc, at + 4);
      bytes.set(tag, at + ENTRY_BYTES);
    },
    finish() {
      const end = bytes.length - CRC_BYTES;
      bytes.writeUInt32BE(crc32c(bytes.subarray(0, end)) >>> 0, end);
      return bytes;
    },
  };
}

/** What is wrong with the table, as text, where it is not one of such a content. */
export function parseFrameTable(bytes: Buffer, size_bytes: number, sealed: boolean): FrameTable | string {
  const length = tableLength(size_bytes, sealed);
  const end = length - CRC_BYTES;
  if (bytes.length < length) return 'its file ends inside the table of frames';
  if (crc32c(bytes.subarray(0, end)) >>> 0 !== bytes.readUInt32BE(end)) {
    return 'the table of frames does not match its CRC32C';
  }
  const flags = sealed ? FLAG_SEALED : 0;
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC) || bytes[MAGIC.length] !== flags) {
    return 'its file has another format';
  }
  if (bytes.readUIntBE(MAGIC.length + 1, 6) !== size_bytes) return 'its file holds a content of another size';
  return readTable(bytes, { count: countFrames(size_bytes), length, sealed });
}

function readTable(
  bytes: Buffer,
  { count, length, sealed }: { count: number; length: number; sealed: boolean },
): FrameTable | string {
  const first = sealed ? SEALED_HEAD_BYTES : HEAD_BYTES;
  const stride = sealed ? SEALED_ENTRY_BYTES : ENTRY_BYTES;
  const offsets = new Float64Array(count);
  let file_bytes = length;
  for (let index = 0; index < count; index += 1) {
    const stored_bytes = bytes.readUInt32BE(first + index * stride) % PACKED;
    if (stored_bytes > BLOCK_BYTES) return `frame ${index} is too long`;
    offsets[index] = file_bytes;
    file_bytes += stored_bytes;
  }
  return {
    count,
    key_id: sealed ? bytes.subarray(HEAD_BYTES, HEAD_BYTES + KEY_ID_BYTES) : NOTHING,
    salt: sealed ? bytes.subarray(HEAD_BYTES + KEY_ID_BYTES, SEALED_HEAD_BYTES) : NOTHING,
    file_bytes,
    entry(index) {
      const at = first + index * stride;
      const word = bytes.readUInt32BE(at);
      return {
        stored_bytes: word % PACKED,
        packed: word >= PACKED,
        crc: bytes.readUInt32BE(at + 4),
        tag: bytes.subarray(at + ENTRY_BYTES, at + stride),
      };
    },
    offset: (index) => offsets[index] ?? file_bytes,
  };
}

const NOTHING = Buffer.alloc(0);
