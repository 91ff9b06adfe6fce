import { StoreError } from '../contract/index.js';

export interface SlotsOptions {
  readonly slots_max: number;
  readonly queue_max: number;
  readonly wait_ms_max: number;
}

export interface Slots {
  /** Resolves to what gives the slot back (once; further calls do nothing). Fails with `throttled`, or with the signal's reason. */
  take(signal?: AbortSignal): Promise<() => void>;
  /** For work that has begun already: before all others, however long the queue is. */
  retake(signal?: AbortSignal): Promise<() => void>;
}

interface Waiter {
  grant(): void;
}

/** A bounded number of slots, given out in the order in which they were asked for. */
export function createSlots(options: SlotsOptions): Slots {
  let taken = 0;
  // Sets keep their order and let those go who wait no longer.
  const urgent = new Set<Waiter>();
  const queue = new Set<Waiter>();

  const next = (): void => {
    for (const line of [urgent, queue]) {
      for (const waiter of line) {
        if (taken >= options.slots_max) return;
        line.delete(waiter);
        waiter.grant();
      }
    }
  };

  const hold = (): (() => void) => {
    taken += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      taken -= 1;
      next();
    };
  };

  const wait = (line: Set<Waiter>, signal: AbortSignal | undefined): Promise<() => void> =>
    new Promise((resolve, reject) => {
      const leave = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      };
      const giveUp = (reason: unknown): void => {
        line.delete(waiter);
        leave();
        reject(reason);
      };
      const onAbort = (): void => giveUp(signal?.reason);
      const timer = setTimeout(() => giveUp(busy('no slot became free in time')), options.wait_ms_max);
      const waiter: Waiter = {
        grant() {
          leave();
          resolve(hold());
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      line.add(waiter);
    });

  return {
    async take(signal) {
      signal?.throwIfAborted();
      if (taken < options.slots_max && queue.size + urgent.size === 0) return hold();
      if (queue.size >= options.queue_max) throw busy('too many calls wait already');
      return wait(queue, signal);
    },
    async retake(signal) {
      signal?.throwIfAborted();
      return taken < options.slots_max ? hold() : wait(urgent, signal);
    },
  };
}

function busy(message: string): StoreError {
  return new StoreError('throttled', message, { subject: 'adapter' });
}
