import { LIMITS } from '../../config/limits.js';
import type { UpkeepDeps } from './deps.js';
import type { Task } from './schedule.js';

/** Has the adapters remove stale uploads, unreferenced blobs and old changes, until a round finds nothing more. */
export function createSweep({ store, observe, logger }: UpkeepDeps): Task {
  return {
    name: 'sweep',
    interval_ms: LIMITS.sweep_interval_ms,
    run: async (signal) => {
      let removed_blobs = 0;
      let freed_bytes = 0;
      for (let more = true; more && !signal.aborted; ) {
        const result = await store.maintain({ now_ms: Date.now(), signal });
        removed_blobs += result.removed_blobs;
        freed_bytes += result.freed_bytes;
        more = result.removed_blobs > 0;
      }
      if (removed_blobs === 0) return;
      observe?.({ type: 'swept', removed_blobs, freed_bytes });
      logger.info({ event: 'swept', removed_blobs, freed_bytes }, 'Unreferenced content was removed');
    },
  };
}
