/** The control API: what commands on the same machine ask of the running node. Only the run file knows its token. */
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isStoreError } from '../../adapters/contract/index.js';
import { LIMITS } from '../../config/limits.js';
import { type Access, AccessError } from '../access/access.js';
import { sameSecret } from '../access/shard-tokens.js';
import type { VerifyDeps } from '../upkeep/verify.js';
import type { ControlStatus } from './status.js';
import { verifyStorage } from './verify.js';

export interface ControlDeps {
  readonly control_token: string;
  readonly access: Access;
  readonly verify: VerifyDeps;
  readonly grace_ms: number;
  status(): Promise<ControlStatus>;
  /** Begins the drain; the answer is sent first. */
  stop(): void;
}

const STATUS_OF = { not_found: 404, exists: 409, not_allowed: 403, too_many: 409 } as const;

type Body = Readonly<Record<string, unknown>>;

function textOf(request: FastifyRequest, name: string): string | undefined {
  const value = (request.body as Body | null | undefined)?.[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function authenticate(control_token: string) {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    const given = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    if (given !== undefined && sameSecret(given, control_token)) return;
    return reply.code(401).send({ detail: 'the control API takes the token of run.json' });
  };
}

/** JSON lines; an error after the first line is told as one. */
async function* verifyLines(
  deps: VerifyDeps,
  body: FastifyRequest,
  signal: AbortSignal,
): AsyncGenerator<string> {
  try {
    const request = { bucket: textOf(body, 'bucket') };
    for await (const event of verifyStorage(deps, request, signal)) yield `${JSON.stringify(event)}\n`;
  } catch (error) {
    if (signal.aborted) return;
    const message = isStoreError(error) ? error.message : 'verification failed; the log has more';
    if (!isStoreError(error)) body.log.error(error, 'verification failed');
    yield `${JSON.stringify({ event: 'error', message })}\n`;
  }
}

export function controlRoutes(deps: ControlDeps) {
  return async (app: FastifyInstance): Promise<void> => {
    app.addHook('onRequest', authenticate(deps.control_token));
    app.removeAllContentTypeParsers();
    app.addContentTypeParser(
      'application/json',
      { parseAs: 'string' },
      app.getDefaultJsonParser('error', 'error'),
    );
    app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
      if (error instanceof AccessError)
        return reply.code(STATUS_OF[error.reason]).send({ detail: error.message });
      if (error.statusCode !== undefined && error.statusCode < 500) {
        return reply.code(error.statusCode).send({ detail: error.message });
      }
      request.log.error(error, 'control call failed');
      return reply.code(500).send({ detail: 'internal error; the log has more' });
    });
    const limits = { bodyLimit: LIMITS.control_body_bytes_max };

    app.get('/status', () => deps.status());
    app.post('/stop', limits, (_request, reply) => {
      reply.raw.once('close', () => deps.stop());
      return reply.send({ stopping: true, grace_ms: deps.grace_ms });
    });
    app.get('/keys', () => ({ keys: deps.access.listKeys() }));
    app.post('/keys', limits, (request) =>
      deps.access.createKey({ user: textOf(request, 'user') ?? 'root' }),
    );
    app.post('/shard-tokens', limits, (request) =>
      deps.access.createShardToken({ name: textOf(request, 'name') ?? 'client' }),
    );
    app.delete<{ Params: { id: string } }>('/keys/:id', (request) =>
      deps.access.revokeKey(request.params.id),
    );
    app.post('/verify', limits, (request, reply) => {
      const gone = new AbortController();
      reply.raw.once('close', () => gone.abort());
      return reply
        .type('application/x-ndjson')
        .send(Readable.from(verifyLines(deps.verify, request, gone.signal), { objectMode: false }));
    });
  };
}
