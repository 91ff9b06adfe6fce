import type { Socket } from 'node:net';
import type { Dispatcher } from 'undici';
import { LIMITS } from '../../config/limits.js';
import { StoreError } from '../contract/index.js';
import type { AnswerHeaders } from './attributes.js';
import { expectLarge, giveBack, lastRead } from './growing-reads.js';

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

/** All of them are named, so that requests look alike to the engine, which is faster with them then. */
export interface ExchangeOptions {
  readonly origin: string;
  readonly path: string;
  readonly method: Dispatcher.HttpMethod;
  readonly headers: Record<string, string>;
  readonly body: Dispatcher.DispatchOptions['body'];
  /** Undefined: the dispatcher's. */
  readonly headersTimeout: number | undefined;
  /** True: the connection is closed behind the answer. By itself undici does so behind each HEAD. */
  readonly reset: false;
}

/**
 * One request and its answer. undici's own `request` wraps each answer in a stream, which costs as much processor time
 * as all else that is done for a small object. Fails with what undici throws, with the reason of the signal, or with
 * `throttled` where no connection became free in time.
 */
export function exchange(
  dispatcher: Dispatcher,
  options: ExchangeOptions,
  signal: AbortSignal | undefined,
): Promise<UpstreamAnswer> {
  if (signal?.aborted === true) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const handler = new Exchange(resolve, reject, signal);
    dispatcher.dispatch(options as Dispatcher.DispatchOptions, handler);
    handler.dispatched();
  });
}

/** A class, because undici wants methods, and one set of them is cheaper than five closures for each request. */
class Exchange implements Dispatcher.DispatchHandler {
  private readonly resolve: (answer: UpstreamAnswer) => void;
  private readonly reject: (error: unknown) => void;
  private readonly signal: AbortSignal | undefined;
  private readonly body: FilledBody;
  private controller: Dispatcher.DispatchController | undefined;
  private patience: NodeJS.Timeout | undefined;
  /** Why nobody waits any more; set while there is no connection yet. */
  private gave_up: { readonly reason: Error } | undefined;
  /** Nothing more is to come; it may be so before dispatching returns. */
  private settled = false;

  constructor(
    resolve: (answer: UpstreamAnswer) => void,
    reject: (error: unknown) => void,
    signal: AbortSignal | undefined,
  ) {
    this.resolve = resolve;
    this.reject = reject;
    this.signal = signal;
    this.body = createBody(() => this.controller);
    signal?.addEventListener('abort', this.onAbort);
  }

  /** Mostly it is sent at once. Else undici would wait for a connection for ever: its own times begin with the sending. */
  dispatched(): void {
    if (this.controller !== undefined || this.settled) return;
    this.patience = setTimeout(() => {
      const why = 'no connection to the upstream became free';
      this.giveUp(new StoreError('throttled', why, { subject: 'adapter' }));
    }, LIMITS.upstream_connection_wait_ms_max);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    clearTimeout(this.patience);
    if (this.gave_up !== undefined) controller.abort(this.gave_up.reason);
  }

  onResponseStart(_: Dispatcher.DispatchController, statusCode: number, headers: AnswerHeaders): void {
    if (statusCode < 200) return;
    const large = Number(headers['content-length']) >= LIMITS.upstream_large_answer_bytes;
    this.body.begin(lastRead(), large);
    this.resolve({ statusCode, headers, body: this.body });
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Uint8Array): void {
    this.body.push(chunk);
  }

  onResponseEnd(): void {
    this.settle();
    this.body.end(undefined);
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.settle();
    this.body.end(error);
    this.reject(error);
  }

  private readonly onAbort = () => {
    const reason = this.signal?.reason;
    // Before there is a connection, nothing else would tell.
    if (this.controller === undefined) this.giveUp(reason);
    else this.controller.abort(reason);
  };

  private giveUp(reason: Error): void {
    this.gave_up = { reason };
    this.settle();
    this.reject(reason);
  }

  private settle(): void {
    this.settled = true;
    clearTimeout(this.patience);
    this.signal?.removeEventListener('abort', this.onAbort);
  }
}

interface FilledBody extends AnswerBody {
  /** `from`: what it comes on. */
  begin(from: Socket | undefined, large: boolean): void;
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
  let source: Socket | undefined;
  let guarded = false;
  let endLarge: (() => void) | undefined;
  /** Its pieces take room until they have been read, not just until they have come. */
  const finish = () => {
    endLarge?.();
    endLarge = undefined;
  };
  const resume = () => connection()?.resume();
  /**
   * undici ends the process where a connection ends while it is paused, as one may that is not kept alive. By then all
   * that came has been passed on, so that going on adds nothing to what is held.
   */
  const pause = () => {
    connection()?.pause();
    if (guarded) return;
    guarded = true;
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
        if (chunks.length < LIMITS.upstream_pieces_ahead) resume();
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
      if (large) endLarge = expectLarge();
    },
    push(chunk) {
      // undici passes on what its parser finds in no bytes at all, after each pause.
      if (chunk.length === 0) return;
      chunks.push(chunk);
      if (chunks.length >= LIMITS.upstream_pieces_ahead) pause();
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
