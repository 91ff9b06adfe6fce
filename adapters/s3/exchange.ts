import type { Dispatcher } from 'undici';
import { LIMITS } from '../../config/limits.js';
import { StoreError } from '../contract/index.js';
import type { AnswerHeaders } from './attributes.js';
import { expectLarge, giveBack } from './growing-reads.js';

/** An answer whose headers are there. Its body must be read or discarded. */
export interface UpstreamAnswer {
  readonly statusCode: number;
  /** Names in lower case. */
  readonly headers: AnswerHeaders;
  readonly body: AnswerBody;
}

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

export type ExchangeOptions = Dispatcher.DispatchOptions & {
  readonly signal?: AbortSignal | undefined;
};

/**
 * One request and its answer. undici's own `request` wraps each answer in a stream, which costs as much processor time
 * as all else that is done for a small object. Fails with what undici throws, with the reason of the signal, or with
 * `throttled` where no connection became free in time.
 */
export function exchange(
  dispatcher: Dispatcher,
  { signal, ...options }: ExchangeOptions,
): Promise<UpstreamAnswer> {
  return new Promise((resolve, reject) => {
    let gave_up: StoreError | undefined;
    let controller: Dispatcher.DispatchController | undefined;
    let failed = false;
    const body = createBody(() => controller);
    const onAbort = () => {
      controller?.abort(signal?.reason);
      // Before there is a connection, nothing else would tell.
      if (controller !== undefined) return;
      settle();
      reject(signal?.reason);
    };
    let patience: NodeJS.Timeout | undefined;
    const giveUp = () => {
      gave_up = new StoreError('throttled', 'no connection to the upstream became free', {
        subject: 'adapter',
      });
      settle();
      reject(gave_up);
    };
    let endLarge: (() => void) | undefined;
    const settle = () => {
      clearTimeout(patience);
      endLarge?.();
      endLarge = undefined;
      signal?.removeEventListener('abort', onAbort);
    };
    if (signal?.aborted === true) {
      reject(signal.reason);
      return;
    }
    signal?.addEventListener('abort', onAbort);
    // Else undici closes the connection behind each HEAD, for the sake of servers that answer it with a body.
    const request = { ...options, reset: false };
    dispatcher.dispatch(request, {
      onRequestStart(given) {
        controller = given;
        clearTimeout(patience);
        if (signal?.aborted === true) given.abort(signal.reason);
        if (gave_up !== undefined) given.abort(gave_up);
      },
      onResponseStart(_, statusCode, headers) {
        if (statusCode < 200) return;
        const large = Number(headers['content-length']) >= LIMITS.upstream_large_answer_bytes;
        if (large) endLarge = expectLarge();
        resolve({ statusCode, headers, body });
      },
      onResponseData: (_, chunk) => body.push(chunk),
      onResponseEnd() {
        settle();
        body.end(undefined);
      },
      onResponseError(_, error) {
        failed = true;
        settle();
        body.end(error);
        reject(error);
      },
    });
    // Mostly it is sent at once. Else undici would wait for a connection for ever: its own times begin with the sending.
    const waits = controller === undefined && !failed;
    if (waits) patience = setTimeout(giveUp, LIMITS.upstream_connection_wait_ms_max);
  });
}

interface FilledBody extends AnswerBody {
  push(chunk: Uint8Array): void;
  end(error: Error | undefined): void;
}

/** Holds what has come and was not read yet, and keeps that within bounds by pausing the connection. */
function createBody(connection: () => Dispatcher.DispatchController | undefined): FilledBody {
  const chunks: Uint8Array[] = [];
  let ended = false;
  let failure: Error | undefined;
  let wake: (() => void) | undefined;
  /** With the reader, until the next one is asked for. */
  let lent: Uint8Array | undefined;
  const awaken = () => {
    wake?.();
    wake = undefined;
  };
  const next = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
    for (;;) {
      const chunk = chunks.shift();
      if (chunk !== undefined) {
        if (chunks.length < LIMITS.upstream_pieces_ahead) connection()?.resume();
        return { done: false, value: chunk };
      }
      if (failure !== undefined) throw failure;
      if (ended) return { done: true, value: undefined };
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  const discard = () => {
    for (const chunk of chunks.splice(0)) giveBack(chunk);
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
    push(chunk) {
      // undici passes on what its parser finds in no bytes at all, after each pause.
      if (chunk.length === 0) return;
      chunks.push(chunk);
      if (chunks.length >= LIMITS.upstream_pieces_ahead) connection()?.pause();
      awaken();
    },
    end(error) {
      ended = true;
      failure = error;
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
