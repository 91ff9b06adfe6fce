import type { FastifyInstance } from 'fastify';
import { nameOperation } from '../../http/exchange.js';
import type { ShardRouteDeps } from '../deps.js';
import { nodeStatus } from '../status.js';
import { isoTime } from '../times.js';

/** `GET /` and `GET /health`: open to all, for people and load balancers. */
export function rootRoutes(deps: ShardRouteDeps) {
  return async (app: FastifyInstance): Promise<void> => {
    app.get('/', { exposeHeadRoute: true }, async (_request, reply) => {
      nameOperation(reply.raw, 'root');
      return {
        service: 'PlexiChat Backup Node',
        version: deps.node.version,
        status: 'running',
        node_id: deps.node.node_id,
        timestamp: isoTime(Date.now()),
      };
    });

    app.get('/health', { exposeHeadRoute: true }, async (_request, reply) => {
      nameOperation(reply.raw, 'health');
      const phase = deps.phase();
      const timestamp = isoTime(Date.now());
      // While starting or draining the storage may not answer: say so without asking it.
      if (phase !== 'running') return reply.code(503).send({ status: phase, node_status: null, timestamp });
      return { status: 'healthy', node_status: await nodeStatus(deps), timestamp };
    });
  };
}
