import { isStoreError, isTransient } from '../../adapters/contract/index.js';
import { LIMITS } from '../../config/limits.js';
import { SHARD_BUCKET } from '../objects/shard-bucket.js';
import type { ShardServerDeps } from './deps.js';

export interface BucketKeeper {
  /** At start. A home that cannot be reached now, because it is an upstream, does not stop the node. */
  readonly open: () => Promise<void>;
  /** Errors: those of createBucket. */
  readonly requireBucket: () => Promise<void>;
}

/** Sees to it that the shard bucket is there before anything is written to it. */
export function createBucketKeeper({
  store,
  node,
  logger,
}: Pick<ShardServerDeps, 'store' | 'node' | 'logger'>): BucketKeeper {
  let there = false;
  const create = async (signal?: AbortSignal): Promise<void> => {
    try {
      await store.createBucket({ bucket: SHARD_BUCKET, owner: node.owner, signal });
    } catch (error) {
      if (!isStoreError(error, 'already_exists')) throw error;
    }
    there = true;
  };
  return {
    open: async () => {
      const signal = AbortSignal.timeout(LIMITS.shard_bucket_wait_ms_max);
      try {
        await create(signal);
      } catch (error) {
        if (!signal.aborted && !isTransient(error)) throw error;
        logger.warn({ err: error }, 'the home of the shard bucket cannot be reached yet');
      }
    },
    requireBucket: async () => {
      if (!there) await create();
    },
  };
}
