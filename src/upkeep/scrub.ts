import type { VersionPosition } from '../../adapters/contract/index.js';
import { LIMITS } from '../../config/limits.js';
import type { UpkeepDeps } from './deps.js';
import { createPacer } from './pacer.js';
import type { Task } from './schedule.js';
import { pruneVerifications, type VerifyTotals, verifyOne } from './verify.js';
import { type WalkPage, walkAll } from './walk.js';

/** Of the run under way, or of the last one when `finished_at_ms` is set. Kept across restarts. */
export interface ScrubState extends VerifyTotals {
  readonly started_at_ms: number;
  readonly finished_at_ms: number | null;
  readonly bucket: string | null;
  readonly after: VersionPosition | null;
}

export interface Scrub extends Task {
  /** Null when none has begun. */
  state(): ScrubState | null;
}

const KEY = 'scrub';

/** The pace at which everything is through in four fifths of the interval, if the usual one does not suffice. */
async function bytesPerSecond({ store, settings }: UpkeepDeps): Promise<number> {
  const { stored_bytes, versions_count } = await store.usage({});
  const cost_bytes = stored_bytes + versions_count * LIMITS.scrub_object_cost_bytes;
  const seconds = (settings.verification_interval_ms * 0.8) / 1000;
  return Math.max(LIMITS.scrub_bytes_per_second, cost_bytes / seconds);
}

/** Verifies every version of every object in turn, at a measured pace, and goes on where a restart interrupted it. */
export function createScrub(deps: UpkeepDeps): Scrub {
  const table = deps.state.table<ScrubState>('upkeep');
  const current = () => table.get(KEY) ?? null;
  const isUnfinished = () => current()?.finished_at_ms === null;

  const verifyPage = async (
    page: WalkPage,
    totals: VerifyTotals,
    spend: (bytes: number) => Promise<void>,
    signal: AbortSignal,
  ) => {
    for (const info of page.objects) {
      signal.throwIfAborted();
      const intact = await verifyOne(deps, page.bucket, info, signal);
      if (intact !== null) {
        totals.objects_count++;
        totals.bytes += info.size_bytes;
        if (!intact) totals.corrupt_count++;
      }
      await spend(info.size_bytes + LIMITS.scrub_object_cost_bytes);
    }
  };

  const run = async (signal: AbortSignal) => {
    const before = current();
    const resumed = before !== null && before.finished_at_ms === null ? before : null;
    const started_at_ms = resumed?.started_at_ms ?? Date.now();
    const totals: VerifyTotals = {
      objects_count: resumed?.objects_count ?? 0,
      bytes: resumed?.bytes ?? 0,
      corrupt_count: resumed?.corrupt_count ?? 0,
    };
    const position = resumed?.bucket == null ? null : { bucket: resumed.bucket, after: resumed.after };
    const pacer = createPacer(await bytesPerSecond(deps));
    let listed_at_ms = Date.now();
    for await (const page of walkAll(
      deps.store,
      position,
      signal,
      deps.settings.isVerified ?? (() => true),
    )) {
      await verifyPage(page, totals, (bytes) => pacer.spend(bytes, signal), signal);
      await pruneVerifications(deps, page, listed_at_ms);
      // An ended bucket is remembered by a position behind all its keys, so that the next run goes to the next bucket.
      const after = page.next ?? { key: END_OF_BUCKET };
      await table.put(KEY, { ...totals, started_at_ms, finished_at_ms: null, bucket: page.bucket, after });
      listed_at_ms = Date.now();
    }
    await table.put(KEY, { ...totals, started_at_ms, finished_at_ms: Date.now(), bucket: null, after: null });
    await deps.verifications.flush();
    const { objects_count, bytes, corrupt_count } = totals;
    deps.logger[corrupt_count > 0 ? 'error' : 'info'](
      { event: 'scrub_finished', objects_count, bytes, corrupt_count },
      'Verification has finished',
    );
  };

  return {
    name: KEY,
    interval_ms: deps.settings.verification_interval_ms,
    unfinished: isUnfinished,
    run,
    state: current,
  };
}

const END_OF_BUCKET = '\u{10ffff}';
