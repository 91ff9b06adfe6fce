/** Knows when the calls that have begun have ended. */
export interface CallsUnderWay {
  run<R>(call: () => Promise<R>): Promise<R>;
  /** Resolves when none is under way. */
  ended(): Promise<void>;
}

export function createCallsUnderWay(): CallsUnderWay {
  let count = 0;
  let waiting: (() => void)[] = [];
  return {
    run: async (call) => {
      count++;
      try {
        return await call();
      } finally {
        count--;
        if (count === 0) {
          for (const resolve of waiting) resolve();
          waiting = [];
        }
      }
    },
    ended: () => (count === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
  };
}
