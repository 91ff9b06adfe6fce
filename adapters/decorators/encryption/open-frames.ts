import type { Body, ResolvedRange } from '../../contract/index.js';
import { cutToRange, type FrameSpan, frameLengthIn } from '../recoded/frame-span.js';
import { TAG_BYTES } from './format.js';
import { notAsSealed, openFrame } from './keys.js';

/** Where the frames lie in the stored piece, inclusive. */
export function storedRange(span: FrameSpan): ResolvedRange {
  const stored_frame_bytes = span.frame_bytes + TAG_BYTES;
  const last_bytes = frameLengthIn(span, span.last) + TAG_BYTES;
  return { start: span.first * stored_frame_bytes, end: span.last * stored_frame_bytes + last_bytes - 1 };
}

/** The plaintext of the span. `body` begins with its first frame; what comes after its last one is not looked at. */
export async function* openFrames(key: Buffer, span: FrameSpan, body: Body): AsyncGenerator<Buffer> {
  const frames = createOpener(key, span);
  for await (const chunk of body instanceof Uint8Array ? [body] : body) yield* frames.add(chunk);
  frames.end();
}

export function openWhole(key: Buffer, span: FrameSpan, body: Uint8Array): Buffer {
  const frames = createOpener(key, span);
  const plain = [...frames.add(body)];
  frames.end();
  return plain.length === 1 && plain[0] !== undefined ? plain[0] : Buffer.concat(plain);
}

function createOpener(key: Buffer, span: FrameSpan) {
  const { frame_bytes, size_bytes, first, last } = span;
  const gathered = Buffer.allocUnsafe(Math.min(frame_bytes, size_bytes) + TAG_BYTES);
  let gathered_bytes = 0;
  let index = first;

  const open = (sealed: Uint8Array): Buffer => {
    const plain = cutToRange(span, index, openFrame(key, index, sealed));
    index += 1;
    return plain;
  };

  return {
    *add(chunk: Uint8Array): Generator<Buffer> {
      for (let at = 0; at < chunk.length && index <= last; ) {
        const wanted_bytes = frameLengthIn(span, index) + TAG_BYTES;
        const piece = chunk.subarray(at, at + wanted_bytes - gathered_bytes);
        at += piece.length;
        if (piece.length === wanted_bytes) {
          yield open(piece);
          continue;
        }
        gathered.set(piece, gathered_bytes);
        gathered_bytes += piece.length;
        if (gathered_bytes < wanted_bytes) return;
        gathered_bytes = 0;
        yield open(gathered.subarray(0, wanted_bytes));
      }
    },
    end(): void {
      if (index <= last) throw notAsSealed();
    },
  };
}
