import type { Body, ResolvedRange } from '../../contract/index.js';
import { notAsWritten } from '../recoded/codec.js';
import { createByteReader } from './byte-reader.js';
import { inflateFrame } from './deflate.js';
import { deflatedOf, FRAME_HEADER_BYTES, frameLength, requireFrame } from './members.js';

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

/** Frames that are decompressed while the one before is sent. */
const AHEAD = 2;
const WHOLE_BYTES_MAX = 64 * 1024;

/** The plaintext of the span. `body` begins with its first frame; what comes after its last one is not looked at. */
export async function openBody(span: FrameSpan, body: Body): Promise<Body> {
  const { start, end } = span.range;
  if (!(body instanceof Uint8Array) || end - start >= WHOLE_BYTES_MAX) return openFrames(span, body);
  const pieces: Uint8Array[] = [];
  for await (const piece of openFrames(span, body)) pieces.push(piece);
  const [only] = pieces;
  return pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces);
}

async function* openFrames(span: FrameSpan, body: Body): AsyncGenerator<Uint8Array> {
  const { frame_bytes, size_bytes, first, last, range } = span;
  const reader = createByteReader(body);
  const ahead: Promise<Buffer>[] = [];
  /** Reads the next frame's member, and begins to decompress it. */
  const begin = async (index: number): Promise<void> => {
    const plain_bytes = Math.min(frame_bytes, size_bytes - index * frame_bytes);
    const header = await reader.take(FRAME_HEADER_BYTES);
    const rest = await reader.take(frameLength(header, index, plain_bytes) - FRAME_HEADER_BYTES);
    const opening = openFrame(rest, plain_bytes);
    // It is awaited in its turn, unless one before it fails.
    opening.catch(() => undefined);
    ahead.push(opening);
  };
  try {
    let begun = first;
    for (let index = first; index <= last; index += 1) {
      for (; begun <= last && ahead.length < AHEAD; begun += 1) await begin(begun);
      const plain = await ahead.shift();
      if (plain === undefined) throw notAsWritten();
      const start = index * frame_bytes;
      yield plain.subarray(Math.max(0, range.start - start), Math.min(plain.length, range.end + 1 - start));
    }
  } finally {
    await reader.close();
  }
}

async function openFrame(rest: Buffer, plain_bytes: number): Promise<Buffer> {
  const plain = await inflateFrame(deflatedOf(rest), plain_bytes);
  requireFrame(rest, plain, plain_bytes);
  return plain;
}
