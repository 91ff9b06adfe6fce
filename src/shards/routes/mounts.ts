import type { FastifyInstance } from 'fastify';
import { nameOperation } from '../../http/exchange.js';
import type { ShardRouteDeps } from '../deps.js';

/** Which bucket lies where, and which of the mounts answer. */
export function mountRoutes({ mounts }: ShardRouteDeps) {
  return async (app: FastifyInstance): Promise<void> => {
    app.get('/api/v1/mounts', async (_request, reply) => {
      nameOperation(reply.raw, 'mounts');
      return { mounts: await mounts() };
    });
  };
}
