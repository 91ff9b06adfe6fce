/** A number of bytes that are given out in the order in which they were asked for. */
export interface Budget {
  readonly bytes_max: number;
  /**
   * Resolves to what gives them back (once; further calls do nothing); to undefined where there was no room in time, or
   * never can be. Fails with the signal's reason.
   */
  take(bytes: number, signal?: AbortSignal): Promise<(() => void) | undefined>;
}

interface Waiter {
  readonly bytes: number;
  grant(): void;
}

export function createBudget(bytes_max: number, wait_ms_max: number): Budget {
  let free_bytes = bytes_max;
  // Sets keep their order and let those go who wait no longer.
  const queue = new Set<Waiter>();

  const hold = (bytes: number): (() => void) => {
    free_bytes -= bytes;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      free_bytes += bytes;
      next();
    };
  };

  const next = (): void => {
    for (const waiter of queue) {
      if (waiter.bytes > free_bytes) return;
      queue.delete(waiter);
      waiter.grant();
    }
  };

  const wait = (bytes: number, signal: AbortSignal | undefined): Promise<(() => void) | undefined> =>
    new Promise((resolve, reject) => {
      const leave = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        queue.delete(waiter);
      };
      const onAbort = (): void => {
        leave();
        next();
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        leave();
        next();
        resolve(undefined);
      }, wait_ms_max);
      const waiter: Waiter = {
        bytes,
        grant() {
          leave();
          resolve(hold(bytes));
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      queue.add(waiter);
    });

  return {
    bytes_max,
    async take(bytes, signal) {
      signal?.throwIfAborted();
      if (bytes > bytes_max) return undefined;
      if (queue.size === 0 && bytes <= free_bytes) return hold(bytes);
      return wait(bytes, signal);
    },
  };
}
