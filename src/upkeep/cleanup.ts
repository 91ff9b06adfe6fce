import { isStoreError, type ObjectInfo } from '../../adapters/contract/index.js';
import { LIMITS } from '../../config/limits.js';
import { SHARD_BUCKET } from '../objects/shard-bucket.js';
import { type Candidate, createCandidateList } from './candidates.js';
import type { UpkeepDeps } from './deps.js';
import { walkBucket } from './walk.js';

export interface Cleanup {
  /**
   * Removes shards until `bytes` are free or no more may go: first those with a verified copy elsewhere, then the
   * oldest; none younger than the retention, nothing but shards. Resolves with the bytes that were freed.
   */
  makeRoom(bytes: number): Promise<number>;
}

/** After a walk whose candidates could not be removed (locked, or changed meanwhile). */
const PAUSE_MS = 60_000;

export function createCleanup(deps: UpkeepDeps): Cleanup {
  const { store, settings, hasVerifiedCopy, logger } = deps;
  let candidates: Candidate[] = [];
  /** No shard that was there at the last walk may be removed before this time: walking again would find nothing. */
  let nothing_before_ms = 0;
  let turn: Promise<unknown> = Promise.resolve();

  const collect = async () => {
    const list = createCandidateList(LIMITS.cleanup_candidates_max);
    const limit_ms = Date.now() - settings.retention_ms;
    let oldest_kept_ms = Number.POSITIVE_INFINITY;
    const { signal } = new AbortController();
    const start = { bucket: SHARD_BUCKET, after: null };
    for await (const { objects } of walkBucket(store, start, LIMITS.shard_page_count, signal)) {
      for (const info of objects) {
        if (info.modified_at_ms > limit_ms) oldest_kept_ms = Math.min(oldest_kept_ms, info.modified_at_ms);
        else list.add(info, (await hasVerifiedCopy?.(info)) ?? false);
      }
    }
    candidates = list.take();
    // With candidates left out the next walk may come as soon as these are used up.
    nothing_before_ms = list.overflowed() ? 0 : oldest_kept_ms + settings.retention_ms;
    // Shards that are stored from now on are younger than all of these.
    nothing_before_ms = Math.min(nothing_before_ms, Date.now() + settings.retention_ms);
  };

  const remove = async (info: ObjectInfo): Promise<number> => {
    const { key, version_id, etag, modified_at_ms, size_bytes } = info;
    try {
      await store.deleteObject({
        bucket: SHARD_BUCKET,
        key,
        version_id,
        // Replaced since the walk, it is a younger shard.
        condition: { if_match: etag, if_modified_at_ms: modified_at_ms, if_size_bytes: size_bytes },
      });
    } catch (error) {
      if (isStoreError(error, 'precondition_failed') || isStoreError(error, 'not_found')) return 0;
      if (!isStoreError(error, 'locked')) throw error;
      return 0;
    }
    deps.verifications.forget(SHARD_BUCKET, key);
    deps.observe?.({ type: 'cleaned_up', size_bytes });
    logger.info({ event: 'shard_cleaned_up', shard_id: key, size_bytes }, 'A shard was removed to make room');
    return size_bytes;
  };

  const free = async (bytes: number): Promise<number> => {
    let freed = 0;
    while (freed < bytes) {
      if (candidates.length === 0) {
        if (Date.now() < nothing_before_ms) break;
        await collect();
        if (candidates.length === 0) break;
      }
      const before = freed;
      while (freed < bytes) {
        const next = candidates.pop();
        if (next === undefined) break;
        freed += await remove(next.info);
      }
      if (freed === before) {
        nothing_before_ms = Date.now() + PAUSE_MS;
        break;
      }
    }
    return freed;
  };

  return {
    makeRoom: (bytes) => {
      if (!settings.auto_cleanup_enabled || bytes <= 0) return Promise.resolve(0);
      const mine = turn.then(() => free(bytes));
      turn = mine.catch(() => undefined);
      return mine;
    },
  };
}
