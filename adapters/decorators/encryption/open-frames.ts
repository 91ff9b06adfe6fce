import type { Body, ResolvedRange } from '../../contract/index.js';
import type { PieceKind } from '../recoded/codec.js';
import { frameBytes, TAG_BYTES } from './format.js';
import { notAsSealed, openFrame } from './keys.js';

/** Which frames of a piece hold a range of its plaintext, and where they lie in what is stored. */
export interface FrameSpan {
  readonly frame_bytes: number;
  readonly size_bytes: number;
  readonly first: number;
  readonly last: number;
  /** Of the plaintext, inclusive. */
  readonly range: ResolvedRange;
  /** Of the stored piece, inclusive. */
  readonly stored: ResolvedRange;
}

/** `range` lies within the plaintext, which is not empty. */
export function spanOf(kind: PieceKind, size_bytes: number, range: ResolvedRange): FrameSpan {
  const frame_bytes = frameBytes(kind, size_bytes);
  const first = Math.floor(range.start / frame_bytes);
  const last = Math.floor(range.end / frame_bytes);
  const last_bytes = Math.min(frame_bytes, size_bytes - last * frame_bytes) + TAG_BYTES;
  const stored_frame_bytes = frame_bytes + TAG_BYTES;
  return {
    frame_bytes,
    size_bytes,
    first,
    last,
    range,
    stored: { start: first * stored_frame_bytes, end: last * stored_frame_bytes + last_bytes - 1 },
  };
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
  const { frame_bytes, size_bytes, first, last, range } = span;
  const gathered = Buffer.allocUnsafe(Math.min(frame_bytes, size_bytes) + TAG_BYTES);
  let gathered_bytes = 0;
  let index = first;

  const open = (sealed: Uint8Array): Buffer => {
    const plain = openFrame(key, index, sealed);
    const start = index * frame_bytes;
    index += 1;
    return plain.subarray(Math.max(0, range.start - start), Math.min(plain.length, range.end + 1 - start));
  };

  return {
    *add(chunk: Uint8Array): Generator<Buffer> {
      for (let at = 0; at < chunk.length && index <= last; ) {
        const wanted_bytes = Math.min(frame_bytes, size_bytes - index * frame_bytes) + TAG_BYTES;
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
