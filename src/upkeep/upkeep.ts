import { createCleanup } from './cleanup.js';
import type { UpkeepDeps } from './deps.js';
import { startSchedule } from './schedule.js';
import { createScrub, type ScrubState } from './scrub.js';
import { createSweep } from './sweep.js';

export interface Upkeep {
  /** For the object store's quota. */
  makeRoom(bytes: number): Promise<number>;
  status(): { readonly scrub: ScrubState | null };
  /** Interrupts what runs; the scrub goes on there after the next start. */
  stop(): Promise<void>;
}

/** All background work of the node. */
export function startUpkeep(deps: UpkeepDeps): Upkeep {
  const scrub = createScrub(deps);
  const cleanup = createCleanup(deps);
  const schedule = startSchedule([scrub, createSweep(deps)], deps.state, deps.logger);
  return {
    makeRoom: (bytes) => cleanup.makeRoom(bytes),
    status: () => ({ scrub: scrub.state() }),
    stop: () => schedule.stop(),
  };
}
