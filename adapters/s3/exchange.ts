import type { Dispatcher } from 'undici';
import { LIMITS } from '../../config/limits.js';
import { StoreError } from '../contract/index.js';
import { type AnswerBody, createBody, type FilledBody } from './answer-body.js';
import type { AnswerHeaders } from './attributes.js';
import { lastRead } from './growing-reads.js';

/** An answer whose headers are there. Its body must be read or discarded. */
export interface UpstreamAnswer {
  readonly statusCode: number;
  /** Names in lower case. */
  readonly headers: AnswerHeaders;
  readonly body: AnswerBody;
}

export interface ExchangeRequest {
  readonly origin: string;
  readonly path: string;
  readonly method: Dispatcher.HttpMethod;
  readonly headers: Record<string, string>;
  readonly body?: Dispatcher.DispatchOptions['body'];
  /** Undefined: the dispatcher's. */
  readonly headers_timeout_ms?: number | undefined;
}

/**
 * One request and its answer. undici's own `request` wraps each answer in a stream, which costs as much processor time
 * as all else that is done for a small object. Fails with what undici throws, with the reason of the signal, or with
 * `throttled` where no connection became free in time.
 */
export function exchange(
  dispatcher: Dispatcher,
  request: ExchangeRequest,
  signal: AbortSignal | undefined,
): Promise<UpstreamAnswer> {
  if (signal?.aborted === true) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const handler = new Exchange(resolve, reject, signal, request.method === 'HEAD');
    dispatcher.dispatch(dispatchOptions(request), handler);
    handler.dispatched();
  });
}

/** Always all of them, so that requests look alike to the engine, which is faster with them then. */
function dispatchOptions(request: ExchangeRequest): Dispatcher.DispatchOptions {
  const options = {
    origin: request.origin,
    path: request.path,
    method: request.method,
    headers: request.headers,
    body: request.body ?? null,
    headersTimeout: request.headers_timeout_ms,
    // By itself undici closes the connection behind each HEAD.
    reset: false,
  };
  return options as Dispatcher.DispatchOptions;
}

/** A class, because undici wants methods, and one set of them is cheaper than five closures for each request. */
class Exchange implements Dispatcher.DispatchHandler {
  private readonly resolve: (answer: UpstreamAnswer) => void;
  private readonly reject: (error: unknown) => void;
  private readonly signal: AbortSignal | undefined;
  private readonly is_head: boolean;
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
    is_head: boolean,
  ) {
    this.resolve = resolve;
    this.reject = reject;
    this.signal = signal;
    this.is_head = is_head;
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
    // Thrown, it ends the request before anything is sent; an abort would close the connection as well.
    if (this.gave_up !== undefined) throw this.gave_up.reason;
  }

  onResponseStart(_: Dispatcher.DispatchController, statusCode: number, headers: AnswerHeaders): void {
    if (statusCode < 200) return;
    this.body.begin(lastRead(), !this.is_head && mayBeLarge(headers));
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

/** Nobody knows of an answer that does not tell its length. */
function mayBeLarge(headers: AnswerHeaders): boolean {
  const length = headers['content-length'];
  return length === undefined || Number(length) >= LIMITS.upstream_large_answer_bytes;
}
