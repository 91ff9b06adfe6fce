/** The composition root: opens the storage, builds both doors on it, and takes them down again. */
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { ConfigError, s3PortOf } from '../config/load.js';
import { anonymousShardsAllowed, reviewConfig } from '../config/review.js';
import type { Config } from '../config/schema.js';
import type { RootCredentials } from './access/root-credentials.js';
import { accessLog } from './access-log.js';
import { controlRoutes } from './control/routes.js';
import { removeRunFile, writeRunFile } from './control/run-file.js';
import { createEventCounters, type EventCounters } from './event-counters.js';
import { createDoor, type Door } from './http/door.js';
import type { DrainResult } from './http/drain.js';
import { nameOperation } from './http/exchange.js';
import { createPhase, type MutablePhase } from './http/health.js';
import { METRICS_CONTENT_TYPE, renderMetrics } from './http/metrics.js';
import { createMetricsDoor } from './http/metrics-door.js';
import { createRequestStats, type RequestStats } from './http/request-stats.js';
import { readTlsMaterial, type TlsFiles } from './http/tls.js';
import { controlStatus, gaugesOf, type ReportSubject } from './node-report.js';
import { createNodeRegistry } from './nodes/registry.js';
import { createVerifications, type Verifications } from './objects/verifications.js';
import { createS3Server } from './s3/server.js';
import { createShardServer } from './shards/server.js';
import { type OpenStorageInput, openStorage, quotaBytes, type Storage } from './storage.js';
import { startUpkeep, type Upkeep } from './upkeep/upkeep.js';
import { VERSION } from './version.js';

export interface StartNodeInput extends OpenStorageInput {
  readonly logger: Logger;
  /** Asks the process to end in order: what the control API's stop does. */
  readonly stop: () => void;
}

export interface RunningNode {
  readonly node_id: string;
  readonly api_url: string;
  readonly s3_url: string;
  /** Where /metrics has a listener of its own. */
  readonly metrics_url?: string;
  readonly region: string;
  readonly root: RootCredentials;
  /** Stops accepting, lets requests under way end, closes the storage. */
  drain(): Promise<DrainResult>;
  /** Reads the TLS files again; what cannot be used is logged and the old one kept. */
  reload(): void;
}

interface Parts {
  readonly input: StartNodeInput;
  readonly config: Config;
  readonly storage: Storage;
  readonly verifications: Verifications;
  readonly phase: MutablePhase;
  readonly counters: EventCounters;
  readonly started_at_ms: number;
  readonly tls_files: TlsFiles | null;
}

interface CountedDoor {
  readonly door: Door;
  readonly stats: RequestStats;
}

const MIB = 1024 ** 2;
const HOUR_MS = 3_600_000;

/** Resolves when both doors answer. Throws ConfigError, ListenError, or what the storage says. */
export async function startNode(input: StartNodeInput): Promise<RunningNode> {
  const { config, logger } = input;
  const tls_files = tlsFilesOf(config);
  const started_at_ms = Date.now();
  const storage = await openStorage(input);
  try {
    const review = reviewConfig(config, storage.access.shard_tokens.count() > 0);
    if (review.refusals.length > 0) throw new ConfigError(review.refusals);
    for (const warning of review.warnings) logger.warn(warning);
    const { renamed_from, node_id } = storage.identity;
    if (renamed_from !== undefined) logger.warn({ renamed_from, node_id }, 'the node has a new id');
    const verifications = createVerifications({
      state: storage.state,
      on_error: (error) => logger.error({ err: error }, 'verification records could not be written'),
    });
    return await openNode({
      input,
      config,
      storage,
      verifications,
      phase: createPhase(),
      counters: createEventCounters(),
      started_at_ms,
      tls_files,
    });
  } catch (error) {
    await storage.close();
    throw error;
  }
}

function tlsFilesOf({ tls }: Config): TlsFiles | null {
  const { certificate_file, key_file } = tls;
  if (certificate_file === null || key_file === null) return null;
  const files = { certificate_file: resolve(certificate_file), key_file: resolve(key_file) };
  try {
    readTlsMaterial(files);
  } catch (error) {
    throw new ConfigError([error instanceof Error ? error.message : String(error)]);
  }
  return files;
}

function countedDoor({ input, tls_files }: Parts, name: string): CountedDoor {
  const stats = createRequestStats(name);
  const log = accessLog(input.logger, name);
  const door = createDoor({
    name,
    ...(tls_files === null ? {} : { tls: readTlsMaterial(tls_files) }),
    on_end: (exchange) => {
      stats.record(exchange);
      log(exchange);
    },
  });
  return { door, stats };
}

function s3Server({ input, config, storage }: Parts, door: Door): FastifyInstance {
  return createS3Server({
    store: storage.store,
    credentials: storage.access.credentials,
    region: config.s3.region,
    domains: config.s3.domains,
    serverFactory: door.serverFactory,
    onFailure: ({ request_id, operation, error, broken_off }) => {
      if ((error.status < 500 || error.status === 501) && !broken_off) return;
      input.logger.error({ request_id, operation, err: error, broken_off }, 'S3 request failed');
    },
  });
}

function shardServer(parts: Parts, door: Door): FastifyInstance {
  const { input, config, storage, verifications, phase, started_at_ms } = parts;
  const { access } = storage;
  return createShardServer({
    store: storage.store,
    verifications,
    registry: createNodeRegistry({
      state: storage.state,
      peers: config.peers,
      peer_timeout_ms: config.network.peer_timeout_seconds * 1000,
    }),
    logger: input.logger,
    node: { node_id: storage.identity.node_id, version: VERSION, owner: access.root.id, started_at_ms },
    settings: {
      shard_bytes_max: Math.floor(config.storage.shard_size_limit_mb * MIB),
      storage_bytes_max: quotaBytes(config),
      allowed_source_nodes: config.security.allowed_source_nodes,
    },
    access: {
      anonymous: anonymousShardsAllowed(config),
      verifyToken: (token) => access.shard_tokens.verify(token),
    },
    phase: phase.phase,
    observe: parts.counters.observe,
    serverFactory: door.serverFactory,
  });
}

/** Names come from the routes: what clients ask for would make metrics without end. */
function nodeHooks(app: FastifyInstance, { config }: Parts): void {
  app.addHook('onRequest', async (request, reply) => {
    const { url } = request.routeOptions;
    nameOperation(reply.raw, url === undefined ? 'unknown' : `${request.method} ${url}`);
    if (url === '/health' && !config.monitoring.enable_health_checks) {
      return reply.code(404).send({ detail: 'Health checks are disabled (monitoring.enable_health_checks)' });
    }
  });
}

function openUpkeep({ input, config, storage, verifications, counters }: Parts): Upkeep {
  const upkeep = startUpkeep({
    store: storage.store,
    state: storage.state,
    verifications,
    logger: input.logger,
    settings: {
      verification_interval_ms: config.verification_interval_hours * HOUR_MS,
      auto_cleanup_enabled: config.auto_cleanup_enabled,
      retention_ms: config.storage.backup_retention_days * 24 * HOUR_MS,
    },
    observe: counters.observe,
  });
  storage.setMakeRoom(upkeep.makeRoom);
  return upkeep;
}

function metricsRoute(app: FastifyInstance, render: () => Promise<string>): void {
  app.get('/metrics', async (_request, reply) => reply.type(METRICS_CONTENT_TYPE).send(await render()));
}

async function openNode(parts: Parts): Promise<RunningNode> {
  const { config, storage, input, phase } = parts;
  const { host, monitoring } = config;
  const control_token = randomBytes(32).toString('base64url');
  const urls = { api_url: '', s3_url: '' };
  const subject: ReportSubject = {
    node_id: storage.identity.node_id,
    version: VERSION,
    store: storage.store,
    quota_bytes: quotaBytes(config),
    started_at_ms: parts.started_at_ms,
    phase: phase.phase,
  };
  const s3 = countedDoor(parts, 's3');
  const node = countedDoor(parts, 'node');
  const render = () =>
    renderMetrics({
      version: VERSION,
      node_id: subject.node_id,
      doors: [node, s3],
      gauges: [...gaugesOf(subject), ...parts.counters.gauges()],
    });
  const apps = [s3Server(parts, s3.door), shardServer(parts, node.door)] as const;
  nodeHooks(apps[1], parts);
  apps[1].register(
    controlRoutes({
      control_token,
      access: storage.access,
      verify: {
        store: storage.store,
        verifications: parts.verifications,
        logger: input.logger,
        observe: parts.counters.observe,
      },
      grace_ms: config.shutdown_grace_seconds * 1000,
      status: () => controlStatus(subject, urls),
      stop: input.stop,
    }),
    { prefix: '/api/v1/control' },
  );
  const separate = monitoring.enable_metrics && monitoring.metrics_port !== null;
  if (monitoring.enable_metrics && !separate) metricsRoute(apps[1], render);
  await Promise.all(apps.map((app) => app.ready()));

  const metrics_door = separate ? createMetricsDoor(render) : undefined;
  const doors = [node.door, s3.door, ...(metrics_door ? [metrics_door] : [])];
  let metrics_url: string | undefined;
  try {
    urls.api_url = (await node.door.listen({ host, port: config.port })).url;
    urls.s3_url = (await s3.door.listen({ host, port: s3PortOf(config) })).url;
    metrics_url = (await metrics_door?.listen({ host, port: monitoring.metrics_port ?? 0 }))?.url;
  } catch (error) {
    await Promise.all(doors.map((door) => door.drain(0)));
    throw error;
  }
  const upkeep = openUpkeep(parts);
  phase.set('running');
  writeRunFile(storage.path, {
    pid: process.pid,
    node_id: subject.node_id,
    ...urls,
    control_token,
    certificate_file: parts.tls_files?.certificate_file ?? null,
    started_at_ms: parts.started_at_ms,
  });
  input.logger.info({ node_id: subject.node_id, version: VERSION, ...urls, metrics_url }, 'ready');
  return {
    node_id: subject.node_id,
    ...urls,
    ...(metrics_url === undefined ? {} : { metrics_url }),
    region: config.s3.region,
    root: storage.root,
    drain: () => drainNode(parts, doors, upkeep),
    reload: () => reloadTls(parts, [node.door, s3.door]),
  };
}

async function drainNode(
  { config, storage, phase, verifications }: Parts,
  doors: readonly Door[],
  upkeep: Upkeep,
): Promise<DrainResult> {
  phase.set('draining');
  const upkeep_stopped = upkeep.stop();
  const results = await Promise.all(doors.map((door) => door.drain(config.shutdown_grace_seconds * 1000)));
  await upkeep_stopped;
  await verifications.close();
  removeRunFile(storage.path);
  await storage.close();
  return { cut_requests: results.reduce((sum, { cut_requests }) => sum + cut_requests, 0) };
}

function reloadTls({ input, tls_files }: Parts, doors: readonly Door[]): void {
  if (tls_files === null) return;
  try {
    const material = readTlsMaterial(tls_files);
    for (const door of doors) door.setTls(material);
    input.logger.info('TLS certificate and key were read again');
  } catch (error) {
    input.logger.error({ err: error }, 'TLS files could not be read again; the earlier ones stay in use');
  }
}
