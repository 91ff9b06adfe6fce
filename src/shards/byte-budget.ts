import { ShardApiError } from './errors.js';

/** Memory that all requests of one kind share. */
export interface ByteBudget {
  /** An account of one request; `close` gives back all that it took. */
  open(): ByteAccount;
}

export interface ByteAccount {
  /** Waits for so many bytes; undefined: they are there at once. Errors: 503 when they did not become free in time. */
  take(bytes: number): Promise<void> | undefined;
  close(): void;
}

interface Waiter {
  readonly bytes: number;
  readonly grant: () => void;
}

interface Holder {
  taken: number;
  waiter: Waiter | undefined;
}

/**
 * Requests take what they need as it arrives, so one that promises much and sends little holds little. When all is
 * taken the oldest request still gets what it asks for, beyond the total: else many could wait for each other, each
 * with half of its shard. So the memory held is at most the total and one request more.
 */
export function createByteBudget(total_bytes: number, wait_ms_max: number): ByteBudget {
  let free = total_bytes;
  /** In the order in which they first took something. */
  const holders = new Set<Holder>();
  let waiting_count = 0;

  const isOldest = (holder: Holder) => holders.values().next().value === holder;

  const grantWaiting = () => {
    for (const holder of holders) {
      if (waiting_count === 0) return;
      const { waiter } = holder;
      if (waiter === undefined) continue;
      if (waiter.bytes > free && !isOldest(holder)) return;
      waiter.grant();
    }
  };

  const take = (holder: Holder, bytes: number) => {
    free -= bytes;
    holder.taken += bytes;
  };

  const stopWaiting = (holder: Holder) => {
    holder.waiter = undefined;
    waiting_count--;
  };

  const wait = (holder: Holder, bytes: number) =>
    new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        stopWaiting(holder);
        reject(new ShardApiError(503, 'Too many large shards at once, try again', { 'retry-after': '1' }));
      }, wait_ms_max);
      waiting_count++;
      holder.waiter = {
        bytes,
        grant: () => {
          clearTimeout(timer);
          stopWaiting(holder);
          take(holder, bytes);
          resolve();
        },
      };
    });

  return {
    open: () => {
      const holder: Holder = { taken: 0, waiter: undefined };
      return {
        take: (bytes) => {
          holders.add(holder);
          if ((waiting_count > 0 || bytes > free) && !isOldest(holder)) return wait(holder, bytes);
          take(holder, bytes);
          return undefined;
        },
        close: () => {
          if (!holders.delete(holder)) return;
          free += holder.taken;
          grantWaiting();
        },
      };
    },
  };
}
