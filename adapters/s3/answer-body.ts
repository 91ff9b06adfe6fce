import type { Socket } from 'node:net';
import type { Dispatcher } from 'undici';
import { LIMITS } from '../../config/limits.js';
import { expectLarge, giveBack } from './growing-reads.js';

/**
 * Read once. What is not read in time stays in the socket: then the upstream waits. A chunk is valid until the next one is
 * asked for.
 */
export interface AnswerBody extends AsyncIterable<Uint8Array> {
  /** All of it in one piece. Fails with a RangeError, and lets go of the connection, where it is longer than that. */
  whole(bytes_max: number): Promise<Uint8Array>;
  /** Lets go of the connection. Nothing happens where the end has been reached. */
  discard(): void;
}

export interface FilledBody extends AnswerBody {
  /** `from`: what it comes on. */
  begin(from: Socket | undefined, large: boolean): void;
  push(chunk: Uint8Array): void;
  end(error: Error | undefined): void;
}

/** Pieces: one to be taken next, while more comes. */
const GOES_ON_BELOW = 2;

/**
 * Holds what has come and was not read yet, and keeps that within bounds by pausing the connection. Not for little: after
 * each pause undici copies and parses again what it had read behind it.
 */
export function createBody(connection: () => Dispatcher.DispatchController | undefined): FilledBody {
  const chunks: Uint8Array[] = [];
  let held_bytes = 0;
  let ended = false;
  let failure: Error | undefined;
  let wake: (() => void) | undefined;
  /** With the reader, until the next one is asked for. */
  let lent: Uint8Array | undefined;
  let source: Socket | undefined;
  let guarded = false;
  let endLarge: (() => void) | undefined;
  /** Its pieces take room until they have been read, not just until they have come. */
  const finish = () => {
    endLarge?.();
    endLarge = undefined;
  };
  const isFull = () =>
    (chunks.length >= GOES_ON_BELOW && held_bytes >= LIMITS.upstream_ahead_bytes) ||
    chunks.length >= LIMITS.upstream_pieces_ahead_max;
  const resume = () => connection()?.resume();
  const pause = () => {
    connection()?.pause();
    if (guarded) return;
    guarded = true;
    // By the end all that came has been passed on, so that going on adds nothing to what is held.
    source?.prependListener('end', resume);
  };
  const awaken = () => {
    wake?.();
    wake = undefined;
  };
  const next = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
    for (;;) {
      const chunk = chunks.shift();
      if (chunk !== undefined) {
        held_bytes -= chunk.length;
        if (chunks.length < GOES_ON_BELOW) resume();
        return { done: false, value: chunk };
      }
      if (failure !== undefined || ended) finish();
      if (failure !== undefined) throw failure;
      if (ended) return { done: true, value: undefined };
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  const discard = () => {
    finish();
    // The one who leaves may still be busy with the piece before.
    for (const chunk of chunks.splice(0)) if (chunk.buffer !== lent?.buffer) giveBack(chunk);
    if (!ended) connection()?.abort(new Error('nobody reads the answer'));
  };
  const whole = async (bytes_max: number): Promise<Uint8Array> => {
    const pieces: Uint8Array[] = [];
    let size_bytes = 0;
    for (let step = await next(); !step.done; step = await next()) {
      size_bytes += step.value.length;
      pieces.push(step.value);
      if (size_bytes <= bytes_max) continue;
      discard();
      throw new RangeError(`an answer of more than ${bytes_max} bytes`);
    }
    // Copied even if it is one: its memory is shared with other answers, and whoever keeps it would keep all of that. Nor
    // does it come from node's pool, which is as large in newer releases.
    const all = Buffer.allocUnsafeSlow(size_bytes);
    let at = 0;
    for (const piece of pieces) {
      all.set(piece, at);
      at += piece.length;
      giveBack(piece);
    }
    return all;
  };
  return {
    begin(from, large) {
      source = from;
      if (from !== undefined) failOnReset(from);
      if (large) endLarge = expectLarge();
    },
    push(chunk) {
      // undici passes on what its parser finds in no bytes at all, after each pause.
      if (chunk.length === 0) return;
      chunks.push(chunk);
      held_bytes += chunk.length;
      if (isFull()) pause();
      awaken();
    },
    end(error) {
      ended = true;
      failure = error;
      source?.off('end', resume);
      awaken();
    },
    discard,
    whole,
    [Symbol.asyncIterator]: () => ({
      next: () => {
        if (lent !== undefined) giveBack(lent);
        lent = undefined;
        return next().then((step) => {
          lent = step.value;
          return step;
        });
      },
      async return() {
        discard();
        return { done: true, value: undefined };
      },
    }),
  };
}

const failing_on_reset = new WeakSet<Socket>();

/**
 * undici (7.30, `onHttpSocketError`) may take a reset for the end of an answer that is not kept alive, and where that
 * answer is paused, an assertion of its parser ends the process. Under another name a reset is the failure that it is.
 */
function failOnReset(socket: Socket): void {
  if (failing_on_reset.has(socket)) return;
  failing_on_reset.add(socket);
  socket.prependListener('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'ECONNRESET') error.code = 'EPIPE';
  });
}
