import { LIMITS } from '../../config/limits.js';
import type { Adapter, Body } from '../contract/index.js';
import { aroundCalls, type Method } from './around.js';
import { createSlots, type Slots } from './slots.js';

export interface ConcurrencyOptions {
  /** Calls at a time; a call whose answer is a stream lasts until the stream has ended. */
  readonly calls_max: number;
  /** Calls that wait for their turn, first come first served; further ones fail with `throttled`. */
  readonly queue_max?: number;
  /** How long one may wait before it fails with `throttled`: so two limits that wait for each other do not stand still. */
  readonly wait_ms_max?: number;
}

/** Waiting for a change lasts as long as nothing changes, and does nothing. */
const UNCOUNTED: ReadonlySet<Method> = new Set(['waitForChange']);

/** At most `calls_max` calls at a time. */
export function limitConcurrency(inner: Adapter, options: ConcurrencyOptions): Adapter {
  const slots = createSlots({
    slots_max: options.calls_max,
    queue_max: options.queue_max ?? LIMITS.adapter_queue_max,
    wait_ms_max: options.wait_ms_max ?? LIMITS.adapter_queue_wait_ms_max,
  });
  return aroundCalls(inner, async (method, input, run) => {
    if (UNCOUNTED.has(method)) return run(input);
    const release = await slots.take(input.signal);
    let streams = false;
    try {
      const result = await run(input);
      const body = bodyOf(result);
      if (body === undefined || body instanceof Uint8Array) return result;
      streams = true;
      return { ...result, body: holdWhileRead(body, release, slots, input.signal) };
    } finally {
      if (!streams) release();
    }
  });
}

function bodyOf(result: unknown): Body | undefined {
  return (result as { readonly body?: Body } | undefined)?.body;
}

/**
 * Keeps the slot until the body's end. One that nobody begins to read would keep it for good, so it is given back after
 * a while, and taken again by the first read.
 */
function holdWhileRead(
  body: AsyncIterable<Uint8Array>,
  release: () => void,
  slots: Slots,
  signal: AbortSignal | undefined,
): AsyncIterable<Uint8Array> {
  let held: (() => void) | undefined = release;
  const giveBack = (): void => {
    held?.();
    held = undefined;
  };
  const timer = setTimeout(giveBack, LIMITS.adapter_unread_body_ms_max).unref();
  return {
    async *[Symbol.asyncIterator]() {
      clearTimeout(timer);
      const own = held ?? (await slots.retake(signal));
      held = undefined;
      try {
        yield* body;
      } finally {
        own();
      }
    },
  };
}
