import { notAsWritten, type Reference } from '../recoded/codec.js';

/**
 * What lies upstream is a gzip file (RFC 1952: members follow each other), so each copy can be read without this node:
 *
 *   frames    one member each, of FRAME_BYTES of plaintext (the last one shorter), so that a range can be read by itself
 *   fill      empty members, where a part of an upload would else be too short for the upstream
 *   table     an empty member with the lengths of the frames, where there are two or more
 *   trailer   an empty member of fixed length with the reference and the digests of the plaintext
 *
 * The reference tells where these lie: an object of one piece has it in its attributes, a part in its trailer only.
 */
const FRAME_SHIFT_MIN = 20;
const FRAME_SHIFT_MAX = 26;
/** Above it frames are twice as long: a table has 16 KiB at most. */
export const FRAMES_MAX = 4_096;

export const REFERENCE_BYTES = 24;
const VERSION = 1;
const NONCE_BYTES = 6;

export interface Layout {
  readonly frame_shift: number;
  /** The frames together, which come first. */
  readonly frames_bytes: number;
  /** The member with the table; 0: there is none. */
  readonly table_bytes: number;
  /** All of the piece. */
  readonly stored_bytes: number;
}

export function frameShift(size_bytes: number): number {
  let shift = FRAME_SHIFT_MIN;
  while (countFrames(size_bytes, shift) > FRAMES_MAX) shift += 1;
  return shift;
}

export function countFrames(size_bytes: number, frame_shift: number): number {
  return Math.ceil(size_bytes / 2 ** frame_shift);
}

/** The nonce makes what is stored another one with each write, and so its ETag upstream. */
export function referenceOf(layout: Layout, nonce: Buffer): Reference {
  const bytes = Buffer.alloc(REFERENCE_BYTES);
  bytes[0] = VERSION;
  bytes[1] = layout.frame_shift;
  bytes.writeUInt32BE(layout.table_bytes, 2);
  bytes.writeUIntBE(layout.frames_bytes, 6, 6);
  bytes.writeUIntBE(layout.stored_bytes, 12, 6);
  nonce.copy(bytes, 18, 0, NONCE_BYTES);
  return bytes;
}

/** Fails with `corrupt`. */
export function readReference(reference: Reference): Layout {
  const frame_shift = reference[1] ?? 0;
  const known = reference.length === REFERENCE_BYTES && reference[0] === VERSION;
  if (!known || frame_shift < FRAME_SHIFT_MIN || frame_shift > FRAME_SHIFT_MAX) throw notAsWritten();
  return {
    frame_shift,
    table_bytes: reference.readUInt32BE(2),
    frames_bytes: reference.readUIntBE(6, 6),
    stored_bytes: reference.readUIntBE(12, 6),
  };
}
