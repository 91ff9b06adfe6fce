import type { FastifyInstance } from 'fastify';
import { LIMITS } from '../../../config/limits.js';
import { nameOperation } from '../../http/exchange.js';
import type { ShardRouteDeps } from '../deps.js';
import { ShardApiError } from '../errors.js';
import { parseJsonObject, readWhole } from '../json-body.js';
import { readNodeClaim } from '../node-claim.js';
import { isoTime } from '../times.js';

/** `POST /api/v1/nodes/register` and `GET /api/v1/nodes`. */
export function nodeRoutes({ registry }: ShardRouteDeps) {
  return async (app: FastifyInstance): Promise<void> => {
    app.post('/api/v1/nodes/register', async (request, reply) => {
      nameOperation(reply.raw, 'register_node');
      const bytes = await readWhole(request.raw, reply.raw, LIMITS.control_body_bytes_max);
      const claim = readNodeClaim(parseJsonObject(bytes));
      if (!(await registry.register(claim))) throw new ShardApiError(503, 'The node registry is full');
      return { success: true, node_id: claim.node_id, message: 'Node registered successfully' };
    });

    app.get('/api/v1/nodes', async (_request, reply) => {
      nameOperation(reply.raw, 'list_nodes');
      const nodes = registry.list();
      return {
        nodes: nodes.map(({ last_seen_ms, ...node }) => ({ ...node, last_seen: isoTime(last_seen_ms) })),
        total_count: nodes.length,
        online_count: nodes.filter(({ is_online }) => is_online).length,
      };
    });
  };
}
