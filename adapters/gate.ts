import { isStoreError, StoreError } from './contract/index.js';

/** Counts the calls that are under way, so that closing waits for them and lets no further ones in. */
export interface Gate {
  readonly closed: boolean;
  /** Fails with `unavailable` once closed, with the signal's reason when it is aborted already. */
  enter(signal: AbortSignal | undefined): void;
  leave(): void;
  /** Resolves when everyone has left. */
  close(): Promise<void>;
}

export function createGate(): Gate {
  let inside = 0;
  let closed = false;
  const waiting: (() => void)[] = [];
  return {
    get closed() {
      return closed;
    },
    enter(signal) {
      if (closed) throw closedError();
      signal?.throwIfAborted();
      inside += 1;
    },
    leave() {
      inside -= 1;
      if (inside === 0) for (const resolve of waiting.splice(0)) resolve();
    },
    close() {
      closed = true;
      return inside === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve));
    },
  };
}

export function closedError(): StoreError {
  return new StoreError('unavailable', 'the adapter is closed', { subject: 'adapter' });
}

/** For calls without a body of the caller's: whatever is not a StoreError by now is a defect of ours or of the disk's. */
export function asStoreError(error: unknown, signal: AbortSignal | undefined): unknown {
  if (isStoreError(error) || (signal?.aborted === true && error === signal.reason)) return error;
  return new StoreError('unexpected', error instanceof Error ? error.message : String(error), {
    subject: 'adapter',
    cause: error,
  });
}
