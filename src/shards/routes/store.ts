import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { LIMITS } from '../../../config/limits.js';
import { nameOperation } from '../../http/exchange.js';
import { SHARD_BUCKET } from '../../objects/shard-bucket.js';
import { toAttributes } from '../attributes.js';
import { readBinaryStoreRequest } from '../binary-request.js';
import { createByteBudget } from '../byte-budget.js';
import type { ShardRouteDeps } from '../deps.js';
import { ShardApiError } from '../errors.js';
import { ONE_SHARD_ROUTE, shardIdOf } from '../shard-id.js';
import { readStoreRequest, type StoreRequest } from '../store-request.js';

async function putShard(deps: ShardRouteDeps, request: StoreRequest): Promise<string> {
  const { allowed_source_nodes: allowed } = deps.settings;
  if (allowed.length > 0 && (request.source_node === null || !allowed.includes(request.source_node))) {
    throw new ShardApiError(403, 'This source node may not store shards');
  }
  await deps.requireBucket();
  await deps.store.putObject({
    bucket: SHARD_BUCKET,
    key: request.shard_id,
    body: request.body,
    size_bytes: request.size_bytes,
    attributes: toAttributes(request, deps.node.owner),
    expect: { sha256: request.sha256 },
  });
  deps.observe?.({ type: 'stored', size_bytes: request.size_bytes });
  return `{"success":true,"shard_id":${JSON.stringify(request.shard_id)},"message":"Shard stored successfully"}`;
}

function answer(reply: FastifyReply, json: string): FastifyReply {
  return reply.header('content-type', 'application/json; charset=utf-8').send(json);
}

/** `POST /api/v1/shards/store` (JSON) and `PUT /api/v1/shards/{shard_id}` (raw bytes). */
export function storeRoutes(deps: ShardRouteDeps) {
  const { transfers, settings } = deps;
  const budget = createByteBudget(LIMITS.shard_bodies_bytes_max, LIMITS.shard_bodies_wait_ms_max);

  const storeJson = async (request: FastifyRequest, reply: FastifyReply) => {
    nameOperation(reply.raw, 'store_shard');
    const account = budget.open();
    transfers.count++;
    try {
      const shard = await readStoreRequest(request.raw, reply.raw, settings.shard_bytes_max, account);
      return answer(reply, await putShard(deps, shard));
    } finally {
      transfers.count--;
      account.close();
    }
  };

  const storeBinary = async (request: FastifyRequest, reply: FastifyReply) => {
    nameOperation(reply.raw, 'store_shard');
    const shard_id = shardIdOf(request.originalUrl);
    transfers.count++;
    try {
      const shard = readBinaryStoreRequest(request.raw, reply.raw, shard_id, settings.shard_bytes_max);
      return answer(reply, await putShard(deps, shard));
    } finally {
      transfers.count--;
    }
  };

  return async (app: FastifyInstance): Promise<void> => {
    app.post('/api/v1/shards/store', storeJson);
    app.put(ONE_SHARD_ROUTE, storeBinary);
  };
}
