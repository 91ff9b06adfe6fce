import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';

export interface Pacer {
  /** Resolves when the work that was just done has been paid for in time. */
  spend(bytes: number, signal: AbortSignal): Promise<void>;
}

/** Shorter pauses are saved up: timers are no more exact than that. */
const PAUSE_MS_MIN = 20;
const PAUSE_MS_MAX = 5_000;
/** From this share of a busy event loop on, others are being served: work gets slower, down to a tenth. */
const BUSY_FROM = 0.5;
const SLOWER_AT_MOST = 10;

/** Holds work to so many bytes a second, and to less while the event loop is busy. */
export function createPacer(bytes_per_second: number): Pacer {
  let owed_ms = 0;
  let looked = performance.eventLoopUtilization();
  let slower = 1;

  const lookAround = () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, looked);
    looked = now;
    const busy = Math.max(0, utilization - BUSY_FROM) / (1 - BUSY_FROM);
    slower = 1 + (SLOWER_AT_MOST - 1) * busy;
  };

  return {
    spend: async (bytes, signal) => {
      owed_ms += (bytes / bytes_per_second) * 1000 * slower;
      if (owed_ms < PAUSE_MS_MIN) return;
      // One very large object must not be followed by an hour of nothing: the next ones pay the rest.
      const pause_ms = Math.min(owed_ms, PAUSE_MS_MAX);
      owed_ms -= pause_ms;
      await wait(pause_ms, undefined, { signal, ref: false });
      lookAround();
    },
  };
}
