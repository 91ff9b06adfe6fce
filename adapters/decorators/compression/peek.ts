import type { Body } from '../../contract/index.js';
import { untilAborted } from '../../until-aborted.js';

export interface Peeked {
  /** The beginning, of at least so many bytes as were asked for, or all there are. */
  readonly sample: Uint8Array;
  /** All of it, the sample included; to be read once. */
  readonly body: Body;
  /** For a body that is not read to its end. */
  close(): Promise<void>;
}

/** Looks at the beginning of a body; all of it fails with the signal's reason as soon as that aborts. */
export async function peek(body: Body, bytes: number, signal: AbortSignal | undefined): Promise<Peeked> {
  if (body instanceof Uint8Array)
    return { sample: body.subarray(0, bytes), body, close: async () => undefined };
  const chunks = untilAborted(body, signal);
  // Not awaited: a generator in the middle of a read answers only when its source does.
  const close = async (): Promise<void> => void chunks.return(undefined).catch(() => undefined);
  const seen: Buffer[] = [];
  let seen_bytes = 0;
  let ended = false;
  while (!ended && seen_bytes < bytes) {
    const next = await chunks.next();
    ended = next.done === true;
    if (next.done === true) break;
    // Chunks are lent.
    seen.push(Buffer.from(next.value));
    seen_bytes += next.value.length;
  }
  const sample = Buffer.concat(seen);
  return { sample, body: rest(sample, ended ? undefined : chunks), close };
}

async function* rest(
  sample: Uint8Array,
  chunks: AsyncGenerator<Uint8Array> | undefined,
): AsyncGenerator<Uint8Array> {
  try {
    if (sample.length > 0) yield sample;
    for (;;) {
      const next = await chunks?.next();
      if (next === undefined || next.done === true) return;
      yield next.value;
    }
  } finally {
    await chunks?.return(undefined);
  }
}
