import type { FastifyInstance } from 'fastify';
import { nameOperation } from '../../http/exchange.js';
import type { ShardRouteDeps } from '../deps.js';
import { listPieces, readListQuery } from '../list-shards.js';
import { abortWith, sendPieces } from '../send-body.js';

/** `GET /api/v1/shards`, with optional `limit`, `cursor` and `prefix`. */
export function listRoutes(deps: ShardRouteDeps) {
  return async (app: FastifyInstance): Promise<void> => {
    app.get('/api/v1/shards', async (request, reply) => {
      nameOperation(reply.raw, 'list_shards');
      const query = readListQuery(request.query as Readonly<Record<string, unknown>>);
      await sendPieces(
        reply,
        { 'content-type': 'application/json; charset=utf-8' },
        listPieces(deps, query, abortWith(reply)),
      );
      return reply;
    });
  };
}
