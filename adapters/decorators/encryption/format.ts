import type { PieceKind } from '../recoded/codec.js';

/**
 * How a plaintext lies upstream: frames of ciphertext, each with its tag, and a trailer of fixed length. Listings show
 * the stored size and nothing else, so the stored size alone must tell the plaintext's:
 * - an object of one piece has frames of one length, so its size can be computed back;
 * - an object of N parts (its ETag ends with -N) is N pieces of unknown lengths, so each part takes the same number of
 *   bytes more than its plaintext: its frames are so large that PART_FRAMES_MAX are enough, and what their tags leave
 *   free is filled.
 */
export const TAG_BYTES = 16;
export const TRAILER_BYTES = 160;
export const FRAME_BYTES = 64 * 1024;
const PART_FRAMES_MAX = 1_024;
export const PART_EXTRA_BYTES = PART_FRAMES_MAX * TAG_BYTES + TRAILER_BYTES;

export function frameBytes(kind: PieceKind, size_bytes: number): number {
  let frame_bytes = FRAME_BYTES;
  if (kind === 'part') while (frame_bytes * PART_FRAMES_MAX < size_bytes) frame_bytes *= 2;
  return frame_bytes;
}

export function storedBytes(kind: PieceKind, size_bytes: number): number {
  if (kind === 'part') return size_bytes + PART_EXTRA_BYTES;
  return size_bytes + Math.ceil(size_bytes / FRAME_BYTES) * TAG_BYTES + TRAILER_BYTES;
}

/** Of zeros, between the last frame and the trailer. */
export function fillBytes(kind: PieceKind, size_bytes: number): number {
  if (kind === 'object') return 0;
  const frames = Math.ceil(size_bytes / frameBytes(kind, size_bytes));
  return (PART_FRAMES_MAX - frames) * TAG_BYTES;
}

/** S3 API reference, "Object": the ETag of an object of N parts ends with -N. */
export function partsOfEtag(etag: string): number | null {
  const dash = etag.lastIndexOf('-');
  const count = dash < 0 ? Number.NaN : Number(etag.slice(dash + 1));
  return Number.isInteger(count) && count > 0 ? count : null;
}

/** Undefined where nothing sealed is that long. */
export function plainBytes(stored_bytes: number, parts_count: number | null): number | undefined {
  if (parts_count !== null) {
    const size_bytes = stored_bytes - parts_count * PART_EXTRA_BYTES;
    return size_bytes >= 0 ? size_bytes : undefined;
  }
  const frames_bytes = stored_bytes - TRAILER_BYTES;
  const size_bytes = frames_bytes - Math.ceil(frames_bytes / (FRAME_BYTES + TAG_BYTES)) * TAG_BYTES;
  return frames_bytes >= 0 && size_bytes >= 0 && storedBytes('object', size_bytes) === stored_bytes
    ? size_bytes
    : undefined;
}

/** The largest plaintext of one piece that fits. */
export function plainBytesMax(stored_bytes_max: number): number {
  return Math.floor((stored_bytes_max - TRAILER_BYTES) / (FRAME_BYTES + TAG_BYTES)) * FRAME_BYTES;
}
