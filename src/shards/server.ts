import type { IncomingMessage, ServerResponse } from 'node:http';
import Fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { requestIdOf } from '../http/exchange.js';
import { hasSeveralHosts } from '../http/host.js';
import { NO_SCHEMAS } from '../http/no-schemas.js';
import { requireToken } from './auth.js';
import { createBucketKeeper } from './bucket-keeper.js';
import type { ShardRouteDeps, ShardServerDeps } from './deps.js';
import { ShardApiError, toApiError } from './errors.js';
import { bodyIsDue, closeAfterAnswer, markAwaitingContinue } from './refusal.js';
import { adapterRoutes } from './routes/adapters.js';
import { deleteRoutes } from './routes/delete.js';
import { listRoutes } from './routes/list.js';
import { mountRoutes } from './routes/mounts.js';
import { nodeRoutes } from './routes/nodes.js';
import { retrieveRoutes } from './routes/retrieve.js';
import { rootRoutes } from './routes/root.js';
import { statusRoutes } from './routes/status.js';
import { storeRoutes } from './routes/store.js';
import { rewriteShardUrl } from './shard-id.js';
import { answerUnreadable } from './unreadable.js';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/**
 * The shard API on fastify. `listen`, `inject` and `close` are fastify's; the shard bucket is made before it is ready,
 * where its home can be reached.
 */
export function createShardServer(deps: ShardServerDeps): FastifyInstance {
  const app: FastifyInstance = Fastify({
    loggerInstance: deps.logger,
    logController: new LogController({ disableRequestLogging: true }),
    exposeHeadRoutes: false,
    rewriteUrl: rewriteShardUrl,
    genReqId: () => '',
    // Draining is the listener's: it answers what still arrives.
    return503OnClosing: false,
    schemaController: NO_SCHEMAS,
    clientErrorHandler: answerUnreadable,
    ...(deps.serverFactory && { serverFactory: deps.serverFactory }),
  }) as unknown as FastifyInstance;
  const keeper = createBucketKeeper(deps);
  const route_deps: ShardRouteDeps = {
    ...deps,
    transfers: { count: 0 },
    requireBucket: keeper.requireBucket,
  };

  readBodiesOurselves(app);
  app.addHook('onReady', keeper.open);
  app.addHook('onRequest', async (request, reply) => {
    reply.raw.setHeader('x-request-id', requestIdOf(reply.raw));
    if (!(request.originalUrl ?? '').startsWith('/'))
      throw new ShardApiError(400, 'Request target must be a path');
    if (hasSeveralHosts(request.raw)) throw new ShardApiError(400, 'There must be one Host header');
  });
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply));
  app.setNotFoundHandler((request) => {
    throw notRouted(app, request);
  });

  app.register(rootRoutes(route_deps));
  app.register(async (api) => {
    api.addHook('onRequest', requireToken(deps.access));
    for (const routes of [
      statusRoutes,
      storeRoutes,
      retrieveRoutes,
      deleteRoutes,
      listRoutes,
      adapterRoutes,
      nodeRoutes,
      mountRoutes,
    ]) {
      api.register(routes(route_deps));
    }
  });
  return app;
}

/** Routes take the raw request: only they know how much of it may be read, and in which form. */
function readBodiesOurselves(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  app.server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    markAwaitingContinue(request);
    app.server.emit('request', request, response);
  });
}

function notRouted(app: FastifyInstance, request: FastifyRequest): ShardApiError {
  const url = request.raw.url?.split('?', 1)[0] ?? '/';
  const allowed = METHODS.filter((method) => app.hasRoute({ method, url }));
  if (allowed.length === 0) return new ShardApiError(404, 'Not Found');
  return new ShardApiError(405, 'Method Not Allowed', { allow: allowed.join(', ') });
}

function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const answer = toApiError(error);
  if (answer.status >= 500) {
    const level = answer.status === 500 ? 'error' : 'warn';
    request.log[level](
      { event: 'request_failed', request_id: requestIdOf(reply.raw), status: answer.status, err: error },
      'A shard call failed',
    );
  }
  if (bodyIsDue(request.raw)) closeAfterAnswer(request.raw, reply.raw);
  return reply.code(answer.status).headers(answer.headers).send({ detail: answer.detail });
}
