import type { FastifyInstance } from 'fastify';
import { nameOperation } from '../../http/exchange.js';
import type { ShardRouteDeps } from '../deps.js';
import { nodeStatus } from '../status.js';

export function statusRoutes(deps: ShardRouteDeps) {
  return async (app: FastifyInstance): Promise<void> => {
    app.get('/api/v1/status', async (_request, reply) => {
      nameOperation(reply.raw, 'status');
      return nodeStatus(deps);
    });
  };
}
