import { ShardApiError } from './errors.js';

interface Waiter {
  readonly bytes: number;
  readonly grant: () => void;
}

/** Memory that all requests of one kind share. */
export interface ByteBudget {
  /** An account of one request; `close` gives back all that it took. */
  open(): ByteAccount;
}

export interface ByteAccount {
  /** Waits in turn for so many bytes; errors: 503 when none became free in time. */
  take(bytes: number): Promise<void> | undefined;
  close(): void;
}

export function createByteBudget(total_bytes: number, wait_ms_max: number): ByteBudget {
  let free = total_bytes;
  const waiters = new Set<Waiter>();

  const giveBack = (bytes: number) => {
    free += bytes;
    for (const waiter of waiters) {
      if (waiter.bytes > free) return;
      waiters.delete(waiter);
      free -= waiter.bytes;
      waiter.grant();
    }
  };

  const wait = (bytes: number) =>
    new Promise<void>((resolve, reject) => {
      const grant = () => {
        clearTimeout(timer);
        resolve();
      };
      const waiter: Waiter = { bytes, grant };
      const timer = setTimeout(() => {
        waiters.delete(waiter);
        reject(new ShardApiError(503, 'Too many large shards at once, try again', { 'retry-after': '1' }));
      }, wait_ms_max);
      waiters.add(waiter);
    });

  return {
    open: () => {
      let taken = 0;
      return {
        take: (bytes) => {
          if (waiters.size === 0 && bytes <= free) {
            free -= bytes;
            taken += bytes;
            return undefined;
          }
          return wait(bytes).then(() => {
            taken += bytes;
          });
        },
        close: () => {
          const bytes = taken;
          taken = 0;
          giveBack(bytes);
        },
      };
    },
  };
}
