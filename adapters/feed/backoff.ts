import { LIMITS } from '../../config/limits.js';

/** How long to wait after so many failures in a row: none after none, else twice as long each time, capped and jittered. */
export function backoffMs(failures: number): number {
  if (failures === 0) return 0;
  return Math.min(LIMITS.feed_retry_ms_max, 200 * 2 ** Math.min(failures, 10)) * (0.5 + Math.random() / 2);
}
