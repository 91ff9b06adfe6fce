import type { FastifyInstance } from 'fastify';
import { nameOperation } from '../../http/exchange.js';
import { adapterReport } from '../adapter-report.js';
import type { ShardRouteDeps } from '../deps.js';

/** What each adapter can do and how it is. Adapters are asked, within a bound; answers of a moment ago serve again. */
export function adapterRoutes({ inspectors = [] }: ShardRouteDeps) {
  return async (app: FastifyInstance): Promise<void> => {
    app.get('/api/v1/adapters', async (_request, reply) => {
      nameOperation(reply.raw, 'adapters');
      const reports = await Promise.all(inspectors.map((inspector) => inspector.check()));
      return { adapters: reports.map(adapterReport) };
    });
  };
}
