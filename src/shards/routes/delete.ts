import type { FastifyInstance } from 'fastify';
import { isStoreError } from '../../../adapters/contract/index.js';
import { nameOperation } from '../../http/exchange.js';
import { SHARD_BUCKET } from '../../objects/shard-bucket.js';
import type { ShardRouteDeps } from '../deps.js';
import { shardNotFound } from '../errors.js';
import { ONE_SHARD_ROUTE, shardIdOf } from '../shard-id.js';

/** Deletes a shard that is there; errors: 404. Of two that delete at once, one is told that it was not there. */
async function deleteShard({ store }: ShardRouteDeps, key: string): Promise<void> {
  const address = { bucket: SHARD_BUCKET, key };
  await store.headObject(address);
  const condition = store.capabilities.conditional_delete ? { condition: { if_match: '*' } } : {};
  try {
    await store.deleteObject({ ...address, ...condition });
  } catch (error) {
    if (isStoreError(error, 'precondition_failed')) throw shardNotFound();
    throw error;
  }
}

/** `DELETE /api/v1/shards/{shard_id}`. */
export function deleteRoutes(deps: ShardRouteDeps) {
  return async (app: FastifyInstance): Promise<void> => {
    app.delete(ONE_SHARD_ROUTE, async (request, reply) => {
      nameOperation(reply.raw, 'delete_shard');
      const shard_id = shardIdOf(request.originalUrl);
      await deleteShard(deps, shard_id);
      deps.verifications.forget(SHARD_BUCKET, shard_id);
      deps.observe?.({ type: 'deleted' });
      return { success: true, shard_id, message: 'Shard deleted successfully' };
    });
  };
}
