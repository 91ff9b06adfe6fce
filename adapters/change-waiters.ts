/** Readers of a change feed who have read all there is. Waiting is free: nobody polls, the writer tells of each commit. */
export interface ChangeWaiters {
  /** Resolves when there may be a change behind the cursor, when the signal aborts, or at the end. */
  wait(after: string | null, signal: AbortSignal): Promise<void>;
  /** There are changes: everyone goes on. */
  wake(): void;
  /** Everyone goes on, and nobody waits from now on. */
  close(): void;
}

/** `isNews` says whether there is a change behind a cursor already; what it fails with, `wait` fails with. */
export function createChangeWaiters(isNews: (after: string | null) => boolean): ChangeWaiters {
  const waiting = new Set<() => void>();
  let closed = false;
  const wake = () => {
    for (const go of waiting) go();
  };
  return {
    async wait(after, signal) {
      if (signal.aborted || closed || isNews(after)) return;
      await new Promise<void>((resolve) => {
        const go = () => {
          signal.removeEventListener('abort', go);
          waiting.delete(go);
          resolve();
        };
        signal.addEventListener('abort', go, { once: true });
        waiting.add(go);
      });
    },
    wake,
    close() {
      closed = true;
      wake();
    },
  };
}
