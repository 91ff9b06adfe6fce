import type { Body } from '../../contract/index.js';
import type { EncodeInput } from '../recoded/codec.js';
import { deflateFrame } from './deflate.js';
import { frameShift } from './format.js';
import type { SpoolFile } from './spool.js';

/** Frames that are compressed while the next one is gathered. */
const AHEAD = 2;

/** Writes the members of all frames to the spool, and tells their lengths. */
export async function compressFrames(
  level: number,
  { body, size_bytes, signal }: EncodeInput,
  file: SpoolFile,
  observe: (chunk: Uint8Array) => void,
): Promise<number[]> {
  const lengths: number[] = [];
  const ahead: Promise<Buffer>[] = [];
  const finishOne = async (): Promise<void> => {
    const member = await ahead.shift();
    if (member === undefined) return;
    lengths.push(member.length);
    await file.write(member);
  };
  let index = 0;
  try {
    for await (const frame of framesOf(body, size_bytes, observe)) {
      signal?.throwIfAborted();
      const deflating = deflateFrame(index, frame, level);
      // It is awaited in its turn, unless the body fails before.
      deflating.catch(() => undefined);
      ahead.push(deflating);
      index += 1;
      if (ahead.length === AHEAD) await finishOne();
    }
    while (ahead.length > 0) await finishOne();
  } finally {
    await Promise.allSettled(ahead);
  }
  return lengths;
}

/** A frame is lent: it is valid until AHEAD further ones have been asked for. */
export async function* framesOf(
  body: Body,
  size_bytes: number,
  observe: (chunk: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  const frame_bytes = 2 ** frameShift(size_bytes);
  const buffers = Array.from({ length: AHEAD + 1 }, () => undefined as Buffer | undefined);
  let index = 0;
  let filled_bytes = 0;
  const buffer = (): Buffer => {
    const at = index % buffers.length;
    const found = buffers[at] ?? Buffer.allocUnsafe(Math.min(frame_bytes, size_bytes));
    buffers[at] = found;
    return found;
  };
  for await (const chunk of body instanceof Uint8Array ? [body] : body) {
    observe(chunk);
    for (let at = 0; at < chunk.length; ) {
      const piece = chunk.subarray(at, at + frame_bytes - filled_bytes);
      buffer().set(piece, filled_bytes);
      at += piece.length;
      filled_bytes += piece.length;
      if (filled_bytes < frame_bytes) continue;
      yield buffer();
      index += 1;
      filled_bytes = 0;
    }
  }
  if (filled_bytes > 0) yield buffer().subarray(0, filled_bytes);
}
