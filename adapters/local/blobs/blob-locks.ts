/** One lock per blob, within this process: many writers of the same content, or one remover. First come, first served. */
export interface BlobLocks {
  share(id: string): Promise<Unlock>;
  exclude(id: string): Promise<Unlock>;
}

/** To be called once; further calls do nothing. */
export type Unlock = () => void;

interface Waiter {
  readonly exclusive: boolean;
  readonly enter: () => void;
}

interface Lock {
  sharers: number;
  exclusive: boolean;
  readonly queue: Waiter[];
}

export function createBlobLocks(): BlobLocks {
  const locks = new Map<string, Lock>();

  function admit(id: string, lock: Lock): void {
    for (let waiter = lock.queue[0]; waiter !== undefined; waiter = lock.queue[0]) {
      if (lock.exclusive || (waiter.exclusive && lock.sharers > 0)) return;
      lock.queue.shift();
      if (waiter.exclusive) lock.exclusive = true;
      else lock.sharers += 1;
      waiter.enter();
    }
    if (lock.sharers === 0 && !lock.exclusive) locks.delete(id);
  }

  function acquire(id: string, exclusive: boolean): Promise<Unlock> {
    const lock = locks.get(id) ?? { sharers: 0, exclusive: false, queue: [] };
    locks.set(id, lock);
    return new Promise((resolve) => {
      let held = true;
      const unlock = () => {
        if (!held) return;
        held = false;
        if (exclusive) lock.exclusive = false;
        else lock.sharers -= 1;
        admit(id, lock);
      };
      lock.queue.push({ exclusive, enter: () => resolve(unlock) });
      admit(id, lock);
    });
  }

  return {
    share: (id) => acquire(id, false),
    exclude: (id) => acquire(id, true),
  };
}
