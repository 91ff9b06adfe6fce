import { crc32 } from '@node-rs/crc32';
import { type Digests, notAsWritten, type Reference, type Trailer } from '../recoded/codec.js';
import { readDigests, STORED_DIGESTS_BYTES, writeDigests } from '../recoded/stored-digests.js';
import { REFERENCE_BYTES } from './format.js';

/** Members of a gzip file (RFC 1952, section 2.3): header, subfield of FEXTRA (2.3.1.1) with what is ours, deflated bytes, CRC32, length. */
const HEAD = Buffer.from([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255]);
/** HEAD, the length of FEXTRA, and the name and length of its one subfield. */
const HEADER_BYTES = HEAD.length + 2 + 4;
const END_BYTES = 8;
/** A deflated nothing (RFC 1951, section 3.2.6). */
const NOTHING_DEFLATED = Buffer.from([3, 0]);
const EMPTY_MEMBER_BYTES = HEADER_BYTES + NOTHING_DEFLATED.length + END_BYTES;
/** FEXTRA has at most 65,535 bytes. */
const FIELD_BYTES_MAX = 0xffff - 4;
/** RFC 1951, section 3.2.4: a block without compression, and its header. */
const BLOCK_BYTES_MAX = 0xffff;
const BLOCK_HEADER_BYTES = 5;

type Field = 'PF' | 'PZ' | 'PT' | 'PE';

function header(name: Field, field: Uint8Array): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + field.length);
  HEAD.copy(bytes);
  bytes.writeUInt16LE(field.length + 4, HEAD.length);
  bytes.write(name, HEAD.length + 2, 'latin1');
  bytes.writeUInt16LE(field.length, HEAD.length + 4);
  bytes.set(field, HEADER_BYTES);
  return bytes;
}

function emptyMember(name: Field, field: Uint8Array): Buffer {
  return Buffer.concat([header(name, field), NOTHING_DEFLATED, Buffer.alloc(END_BYTES)]);
}

/** Fails with `corrupt` where there is another member. */
function fieldOf(name: Field, member: Buffer): Buffer {
  if (member.length < EMPTY_MEMBER_BYTES) throw notAsWritten();
  const field = member.subarray(HEADER_BYTES, member.length - NOTHING_DEFLATED.length - END_BYTES);
  if (!emptyMember(name, field).equals(member)) throw notAsWritten();
  return field;
}

/** RFC 1952 has no checksum of 32 bits for FEXTRA. */
function withCrc(bytes: Buffer): Buffer {
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crc32(bytes));
  return Buffer.concat([bytes, crc]);
}

function withoutCrc(bytes: Buffer): Buffer {
  if (bytes.length < 4) throw notAsWritten();
  const content = bytes.subarray(0, bytes.length - 4);
  if (crc32(content) !== bytes.readUInt32BE(content.length)) throw notAsWritten();
  return content;
}

/** A frame tells its own length and number: so a whole piece is read without its table, and frames cannot change places. */
const FRAME_FIELD_BYTES = 8;
export const FRAME_HEADER_BYTES = HEADER_BYTES + FRAME_FIELD_BYTES;
const FRAME_EXTRA_BYTES = FRAME_HEADER_BYTES + END_BYTES;

export function frameMember(index: number, plain: Uint8Array, deflated: readonly Uint8Array[]): Buffer {
  const deflated_bytes = deflated.reduce((sum, { length }) => sum + length, 0);
  const field = Buffer.alloc(FRAME_FIELD_BYTES);
  field.writeUInt32LE(FRAME_EXTRA_BYTES + deflated_bytes);
  field.writeUInt32LE(index, 4);
  const end = Buffer.alloc(END_BYTES);
  end.writeUInt32LE(crc32(plain));
  end.writeUInt32LE(plain.length % 2 ** 32, 4);
  return Buffer.concat([header('PF', field), ...deflated, end]);
}

/** Without compression; `undeflatedBytes` tells its length beforehand. */
export function storedFrameMember(index: number, plain: Uint8Array): Buffer {
  const blocks: Uint8Array[] = [];
  for (let at = 0; at < plain.length; at += BLOCK_BYTES_MAX) {
    const block = plain.subarray(at, at + BLOCK_BYTES_MAX);
    const block_header = Buffer.alloc(BLOCK_HEADER_BYTES);
    block_header[0] = at + block.length === plain.length ? 1 : 0;
    block_header.writeUInt16LE(block.length, 1);
    block_header.writeUInt16LE(0xffff - block.length, 3);
    blocks.push(block_header, block);
  }
  return frameMember(index, plain, blocks);
}

/** The longest that a frame's member may be. */
export function storedFrameBytes(size_bytes: number): number {
  return FRAME_EXTRA_BYTES + size_bytes + Math.ceil(size_bytes / BLOCK_BYTES_MAX) * BLOCK_HEADER_BYTES;
}

/** The member's length. `start` is its header; fails with `corrupt` where this is another frame, or too long a one. */
export function frameLength(start: Buffer, index: number, size_bytes: number): number {
  const field = start.subarray(HEADER_BYTES, FRAME_HEADER_BYTES);
  const length = field.readUInt32LE();
  const right = start.subarray(0, HEADER_BYTES).equals(header('PF', field).subarray(0, HEADER_BYTES));
  if (!right || field.readUInt32LE(4) !== index) throw notAsWritten();
  if (length <= FRAME_EXTRA_BYTES || length > storedFrameBytes(size_bytes)) throw notAsWritten();
  return length;
}

/** Of a frame's member behind its header. */
export function deflatedOf(rest: Buffer): Buffer {
  return rest.subarray(0, rest.length - END_BYTES);
}

export function requireFrame(rest: Buffer, plain: Buffer, size_bytes: number): void {
  const end = rest.length - END_BYTES;
  const right = plain.length === size_bytes && rest.readUInt32LE(end + 4) === size_bytes % 2 ** 32;
  if (!right || rest.readUInt32LE(end) !== crc32(plain)) throw notAsWritten();
}

/** How much longer than asked for the fill may be: no member is shorter. */
export function fillBytes(wanted_bytes: number): number {
  return wanted_bytes <= 0 ? 0 : Math.max(wanted_bytes, EMPTY_MEMBER_BYTES);
}

/** Empty members of `fillBytes` together. */
export function* fillMembers(fill_bytes: number): Generator<Buffer> {
  const longest = EMPTY_MEMBER_BYTES + FIELD_BYTES_MAX;
  for (let left = fill_bytes; left > 0; ) {
    const rest = left - longest;
    const member_bytes = rest <= 0 ? left : Math.min(longest, left - EMPTY_MEMBER_BYTES);
    yield emptyMember('PZ', Buffer.alloc(member_bytes - EMPTY_MEMBER_BYTES));
    left -= member_bytes;
  }
}

export function tableBytes(frames_count: number): number {
  return frames_count < 2 ? 0 : EMPTY_MEMBER_BYTES + 4 * frames_count + 4;
}

export function tableMember(lengths: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * lengths.length);
  for (const [index, length] of lengths.entries()) bytes.writeUInt32BE(length, 4 * index);
  return emptyMember('PT', withCrc(bytes));
}

/** Where frames begin, and where the last one ends. Fails with `corrupt`. */
export function readTable(member: Buffer, frames_count: number): Float64Array {
  const bytes = withoutCrc(fieldOf('PT', member));
  if (bytes.length !== 4 * frames_count) throw notAsWritten();
  const offsets = new Float64Array(frames_count + 1);
  for (let index = 0; index < frames_count; index += 1) {
    offsets[index + 1] = (offsets[index] ?? 0) + bytes.readUInt32BE(4 * index);
  }
  return offsets;
}

const SIZE_BYTES = 6;
const FIXED_BYTES = REFERENCE_BYTES + SIZE_BYTES + STORED_DIGESTS_BYTES;
export const TRAILER_BYTES = EMPTY_MEMBER_BYTES + FIXED_BYTES + 4;

export function trailerMember(reference: Reference, digests: Digests): Buffer {
  const bytes = Buffer.alloc(FIXED_BYTES);
  reference.copy(bytes);
  bytes.writeUIntBE(digests.size_bytes, REFERENCE_BYTES, SIZE_BYTES);
  writeDigests(bytes, REFERENCE_BYTES + SIZE_BYTES, digests);
  return emptyMember('PE', withCrc(bytes));
}

/** Fails with `corrupt`. */
export function readTrailer(stored: Uint8Array): Trailer {
  const bytes = withoutCrc(fieldOf('PE', Buffer.from(stored)));
  if (bytes.length !== FIXED_BYTES) throw notAsWritten();
  const digests = readDigests(bytes, REFERENCE_BYTES + SIZE_BYTES);
  if (digests === undefined) throw notAsWritten();
  const size_bytes = bytes.readUIntBE(REFERENCE_BYTES, SIZE_BYTES);
  return { reference: bytes.subarray(0, REFERENCE_BYTES), size_bytes, ...digests };
}
