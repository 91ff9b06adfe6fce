import { setTimeout as sleep } from 'node:timers/promises';
import { parseHttpDate } from '../../src/wire/http-date.js';
import { type Adapter, type Body, isStoreError, isTransient, type StoreError } from '../contract/index.js';
import { aroundCalls, type CallInput, type Method } from './around.js';
import { mayRepeat, RETRY_RULES } from './retry-rules.js';

export interface RetryOptions {
  /** The first one included. */
  readonly attempts_max: number;
  /** Upper bound of the wait before the first repeat; it doubles with each further one. */
  readonly delay_ms: number;
  /** Of one wait. A server that asks for more patience gets none: its answer is passed on. */
  readonly delay_ms_max: number;
  /** Repeats per hundred calls, so that an upstream in trouble does not get a multiple of its load. */
  readonly budget_percent: number;
  /** Repeats that may come at once after a quiet time. */
  readonly burst: number;
  /** No repeat begins later than this after the call. Default: whenever. */
  readonly elapsed_ms_max?: number;
  readonly onRetry?: (retry: RetryReport) => void;
}

export interface RetryReport {
  readonly adapter: string;
  readonly method: Method;
  /** Of the attempt that failed, from 1. */
  readonly attempt: number;
  readonly error: StoreError;
  readonly delay_ms: number;
}

interface Attempt {
  readonly method: Method;
  readonly attempt: number;
  /** Of the call, by performance.now(). */
  readonly began_at: number;
}

/** A token bucket that calls fill: each brings a share of a repeat. */
interface Budget {
  earn(): void;
  spend(): boolean;
}

function createBudget({ budget_percent, burst }: RetryOptions): Budget {
  let tokens = burst;
  return {
    earn() {
      tokens = Math.min(burst, tokens + budget_percent / 100);
    },
    spend() {
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}

/** Whole bodies can be sent again, streams as long as nobody asked for their first chunk. */
function watchBody<Input extends CallInput>(input: Input): { input: Input; isUntouched: () => boolean } {
  const { body } = input as { readonly body?: Body };
  if (body === undefined || body instanceof Uint8Array) return { input, isUntouched: () => true };
  let touched = false;
  const watched = {
    [Symbol.asyncIterator]() {
      touched = true;
      return body[Symbol.asyncIterator]();
    },
  };
  return { input: { ...input, body: watched }, isUntouched: () => !touched };
}

/** `detail.retry_after_ms`, or `detail.retry_after` as a server said it: seconds or a date (RFC 9110, section 10.2.3). */
function retryAfterMs({ detail }: StoreError): number {
  const { retry_after_ms, retry_after } = detail;
  if (typeof retry_after_ms === 'number') return retry_after_ms;
  if (typeof retry_after !== 'string') return 0;
  if (/^\d{1,9}$/.test(retry_after)) return Number(retry_after) * 1000;
  return Math.max(0, (parseHttpDate(retry_after) ?? 0) - Date.now());
}

/** Full jitter ("Exponential Backoff And Jitter", AWS Architecture Blog). Undefined: the server asks for too long a wait. */
function delayBefore(options: RetryOptions, attempt: number, error: StoreError): number | undefined {
  const asked_ms = retryAfterMs(error);
  if (asked_ms > options.delay_ms_max) return undefined;
  const bound_ms = Math.min(options.delay_ms_max, options.delay_ms * 2 ** (attempt - 1));
  return Math.max(asked_ms, Math.random() * bound_ms);
}

/**
 * Repeats calls that failed with `unavailable` or `throttled`, where that is safe (RETRY_RULES): not before the
 * time that the server asks for, within a budget, never after the signal's abort, never with a body that was begun, and
 * never after a timeout: whoever waited for one of them is not to wait for three.
 */
export function retry(inner: Adapter, options: RetryOptions): Adapter {
  const budget = createBudget(options);
  const { elapsed_ms_max = Number.POSITIVE_INFINITY } = options;

  /** Resolves when the next attempt is due; throws what the caller gets when there will be none. */
  const waitAfter = async (
    { method, attempt, began_at }: Attempt,
    error: StoreError,
    signal: AbortSignal | undefined,
  ) => {
    const delay_ms = delayBefore(options, attempt, error);
    if (delay_ms === undefined || performance.now() - began_at + delay_ms > elapsed_ms_max) throw error;
    if (!budget.spend()) throw error;
    options.onRetry?.({ adapter: inner.name, method, attempt, error, delay_ms });
    await sleep(delay_ms, undefined, signal && { signal }).catch(() => signal?.throwIfAborted());
  };

  return aroundCalls(inner, async (method, given, run) => {
    budget.earn();
    const rule = RETRY_RULES[method];
    const { input, isUntouched } = watchBody(given);
    let uncertain: StoreError | undefined;
    const began_at = performance.now();
    for (let attempt = 1; ; attempt++) {
      try {
        return await run(input);
      } catch (error) {
        if (uncertain !== undefined && rule.echoes.some((kind) => isStoreError(error, kind))) throw uncertain;
        if (!isTransient(error) || attempt >= options.attempts_max || !isUntouched()) throw error;
        if (error.detail.timed_out === true) throw error;
        input.signal?.throwIfAborted();
        if (rule.repeat === 'never') throw error;
        if (error.kind === 'unavailable') {
          if (!mayRepeat(rule, input)) throw error;
          uncertain = error;
        }
        await waitAfter({ method, attempt, began_at }, error, input.signal);
      }
    }
  });
}
