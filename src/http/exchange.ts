/** One request and its answer, as the process sees them: for logs, metrics, byte rates and the drain. */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly request_id: string;
  /** performance.now() at the end of the request's headers. */
  readonly started_at: number;
  /** What the door calls it: an S3 operation, a route; '' until it is known. */
  operation: string;
  /** Bytes of the connection at the last look, and when: see byte-rate.ts. */
  seen_read_bytes: number;
  seen_written_bytes: number;
  read_since: number;
  written_since: number;
}

const EXCHANGE = Symbol('exchange');

interface Tagged {
  [EXCHANGE]?: Exchange;
}

const ID_POOL_BYTES = 8 * 512;
let pool = Buffer.alloc(0);
let pool_at = 0;

/** 16 hex digits in capitals, as S3's look. From a pool: a system call for each request costs more than all the rest. */
function newRequestId(): string {
  if (pool_at >= pool.length) {
    pool = randomBytes(ID_POOL_BYTES);
    pool_at = 0;
  }
  pool_at += 8;
  return pool.toString('hex', pool_at - 8, pool_at).toUpperCase();
}

export function openExchange(request: IncomingMessage, response: ServerResponse): Exchange {
  const now = performance.now();
  const exchange: Exchange = {
    request,
    response,
    request_id: newRequestId(),
    started_at: now,
    operation: '',
    seen_read_bytes: 0,
    seen_written_bytes: 0,
    read_since: now,
    written_since: now,
  };
  (response as Tagged)[EXCHANGE] = exchange;
  return exchange;
}

/** The id given to this request when its headers were read; a fresh one for a response of no door of ours (tests). */
export function requestIdOf(response: ServerResponse): string {
  return (response as Tagged)[EXCHANGE]?.request_id ?? newRequestId();
}

/** Says what this request is, for metrics and the log. Names come from a closed set: never from the client. */
export function nameOperation(response: ServerResponse, operation: string): void {
  const exchange = (response as Tagged)[EXCHANGE];
  if (exchange) exchange.operation = operation;
}
