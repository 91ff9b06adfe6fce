import type { ResolvedRange } from '../../contract/index.js';

/** Which frames of a piece hold a range of its plaintext. */
export interface FrameSpan {
  readonly frame_bytes: number;
  /** Of the piece. */
  readonly size_bytes: number;
  readonly first: number;
  readonly last: number;
  /** Of the plaintext, inclusive. */
  readonly range: ResolvedRange;
}

/** `range` lies within the plaintext, which is not empty. */
export function spanOf(frame_bytes: number, size_bytes: number, range: ResolvedRange): FrameSpan {
  const first = Math.floor(range.start / frame_bytes);
  const last = Math.floor(range.end / frame_bytes);
  return { frame_bytes, size_bytes, first, last, range };
}

/** How much plaintext the frame has. */
export function frameLengthIn({ frame_bytes, size_bytes }: FrameSpan, index: number): number {
  return Math.min(frame_bytes, size_bytes - index * frame_bytes);
}

/** What of a frame's plaintext lies in the range. */
export function cutToRange({ frame_bytes, range }: FrameSpan, index: number, plain: Buffer): Buffer {
  const start = index * frame_bytes;
  return plain.subarray(Math.max(0, range.start - start), Math.min(plain.length, range.end + 1 - start));
}
