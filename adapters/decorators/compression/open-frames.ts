import type { Body } from '../../contract/index.js';
import { notAsWritten } from '../recoded/codec.js';
import { cutToRange, type FrameSpan, frameLengthIn } from '../recoded/frame-span.js';
import { createByteReader } from './byte-reader.js';
import { inflateFrame } from './deflate.js';
import { deflatedOf, FRAME_HEADER_BYTES, frameLength, requireFrame } from './members.js';

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
  const { first, last } = span;
  const reader = createByteReader(body);
  const ahead: Promise<Buffer>[] = [];
  /** Reads the next frame's member, and begins to decompress it. */
  const begin = async (index: number): Promise<void> => {
    const plain_bytes = frameLengthIn(span, index);
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
      yield cutToRange(span, index, plain);
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
