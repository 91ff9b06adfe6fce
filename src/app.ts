/** The composition root: opens the storage, builds both doors on it, and takes them down again. */
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { CALL_STATS_FAMILIES } from '../adapters/decorators/call-stats.js';
import { ConfigError, s3PortOf } from '../config/load.js';
import { anonymousShardsAllowed, reviewConfig } from '../config/review.js';
import type { Config } from '../config/schema.js';
import type { RootCredentials } from './access/root-credentials.js';
import { accessLog } from './access-log.js';
import { controlRoutes } from './control/routes.js';
import { type RunFile, removeRunFile, writeRunFile } from './control/run-file.js';
import { createEventCounters, type EventCounters } from './event-counters.js';
import { createDoor, type Door } from './http/door.js';
import type { DrainResult } from './http/drain.js';
import { nameOperation } from './http/exchange.js';
import { createPhase, type MutablePhase } from './http/health.js';
import { METRICS_CONTENT_TYPE, renderMetrics } from './http/metrics.js';
import { createMetricsDoor } from './http/metrics-door.js';
import { createRequestStats, type RequestStats } from './http/request-stats.js';
import { fingerprintOf, readTlsMaterial, type TlsFiles, type TlsMaterial } from './http/tls.js';
import { mountStates } from './mount-report.js';
import { controlStatus, gaugesOf, type ReportSubject } from './node-report.js';
import { createNodeRegistry } from './nodes/registry.js';
import type { MountEvent } from './objects/mount-health.js';
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
  readonly tls: Tls | null;
}

interface Tls {
  readonly files: TlsFiles;
  /** As read at the start. */
  readonly material: TlsMaterial;
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
  const tls = tlsOf(config);
  const started_at_ms = Date.now();
  const storage = await openStorage({ ...input, on_mount_event: (event) => logMountEvent(logger, event) });
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
      tls,
    });
  } catch (error) {
    await storage.close();
    throw error;
  }
}

function logMountEvent(logger: Logger, event: MountEvent): void {
  const { type, mount } = event;
  if (event.type === 'mount_up') logger.info({ event: type, mount }, 'a mount answers again');
  else logger.warn({ event: type, mount, err: event.error }, 'a mount does not answer');
}

function tlsOf({ tls }: Config): Tls | null {
  const { certificate_file, key_file } = tls;
  if (certificate_file === null || key_file === null) return null;
  const files = { certificate_file: resolve(certificate_file), key_file: resolve(key_file) };
  try {
    return { files, material: readTlsMaterial(files) };
  } catch (error) {
    throw new ConfigError([error instanceof Error ? error.message : String(error)]);
  }
}

function countedDoor({ input, tls }: Parts, name: string): CountedDoor {
  const stats = createRequestStats(name);
  const log = accessLog(input.logger, name);
  const door = createDoor({
    name,
    ...(tls === null ? {} : { tls: tls.material }),
    on_end: (exchange) => {
      stats.record(exchange);
      log(exchange);
    },
  });
  return { door, stats };
}

function s3Server({ input, config, storage }: Parts, door: Door): void {
  createS3Server({
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
      any_host: config.allow_anonymous_shards === true,
      verifyToken: (token) => access.shard_tokens.verify(token),
    },
    mounts: () => mountStates(config, storage.store),
    inspectors: storage.inspectors,
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
      isVerified: (bucket) => storage.isOnDisk(bucket),
    },
    observe: counters.observe,
  });
  storage.setMakeRoom(upkeep.makeRoom);
  return upkeep;
}

function metricsRoute(app: FastifyInstance, render: () => Promise<string>): void {
  app.get('/metrics', async (_request, reply) => reply.type(METRICS_CONTENT_TYPE).send(await render()));
}

/** Known once the doors listen; the control API tells them. */
interface Urls {
  api_url: string;
  s3_url: string;
  metrics_url?: string;
}

function subjectOf({ config, storage, started_at_ms, phase }: Parts): ReportSubject {
  return {
    node_id: storage.identity.node_id,
    version: VERSION,
    store: storage.store,
    quota_bytes: quotaBytes(config),
    started_at_ms,
    phase: phase.phase,
  };
}

function controlOf(parts: Parts, control_token: string, urls: Urls) {
  const { config, storage, input, verifications, counters } = parts;
  const subject = subjectOf(parts);
  return controlRoutes({
    control_token,
    access: storage.access,
    verify: { store: storage.store, verifications, logger: input.logger, observe: counters.observe },
    grace_ms: config.shutdown_grace_seconds * 1000,
    status: () => controlStatus(subject, urls),
    stop: input.stop,
  });
}

interface Doors {
  readonly node: Door;
  readonly s3: Door;
  /** Where metrics have a listener of their own. */
  readonly metrics: Door | undefined;
}

function listDoors({ node, s3, metrics }: Doors): Door[] {
  return metrics === undefined ? [node, s3] : [node, s3, metrics];
}

async function listenAll({ config }: Parts, doors: Doors, urls: Urls): Promise<void> {
  const { host, port, monitoring } = config;
  try {
    urls.api_url = (await doors.node.listen({ host, port })).url;
    urls.s3_url = (await doors.s3.listen({ host, port: s3PortOf(config) })).url;
    if (doors.metrics === undefined) return;
    urls.metrics_url = (await doors.metrics.listen({ host, port: monitoring.metrics_port ?? 0 })).url;
  } catch (error) {
    await Promise.all(listDoors(doors).map((door) => door.drain(0)));
    throw error;
  }
}

/** Servers on their doors, all routes in place, nothing listening yet. */
async function buildDoors(parts: Parts, control_token: string, urls: Urls): Promise<Doors> {
  const { enable_metrics, metrics_port } = parts.config.monitoring;
  const subject = subjectOf(parts);
  const s3 = countedDoor(parts, 's3');
  const node = countedDoor(parts, 'node');
  const render = () =>
    renderMetrics({
      version: VERSION,
      node_id: subject.node_id,
      doors: [node, s3],
      gauges: [...gaugesOf(subject), ...parts.counters.gauges()],
      sources: [{ families: CALL_STATS_FAMILIES, render: () => parts.storage.adapter_stats.render() }],
    });
  s3Server(parts, s3.door);
  const node_app = shardServer(parts, node.door);
  nodeHooks(node_app, parts);
  node_app.register(controlOf(parts, control_token, urls), { prefix: '/api/v1/control' });
  if (enable_metrics && metrics_port === null) metricsRoute(node_app, render);
  await node_app.ready();
  const metrics = enable_metrics && metrics_port !== null ? createMetricsDoor(render) : undefined;
  return { node: node.door, s3: s3.door, metrics };
}

async function openNode(parts: Parts): Promise<RunningNode> {
  const { storage, input, started_at_ms } = parts;
  const { node_id } = storage.identity;
  const control_token = randomBytes(32).toString('base64url');
  const urls: Urls = { api_url: '', s3_url: '' };
  const doors = await buildDoors(parts, control_token, urls);
  await listenAll(parts, doors, urls);
  const upkeep = openUpkeep(parts);
  parts.phase.set('running');
  const { api_url, s3_url } = urls;
  const run: RunFile = {
    pid: process.pid,
    node_id,
    api_url,
    s3_url,
    control_token,
    certificate_fingerprint: parts.tls && fingerprintOf(parts.tls.material),
    started_at_ms,
  };
  writeRunFile(storage.path, run);
  input.logger.info({ node_id, version: VERSION, ...urls }, 'ready');
  return {
    node_id,
    ...urls,
    region: parts.config.s3.region,
    root: storage.root,
    drain: () => drainNode(parts, listDoors(doors), upkeep),
    reload: () => reloadTls(parts, [doors.node, doors.s3], run),
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

function reloadTls({ input, tls, storage }: Parts, doors: readonly Door[], run: RunFile): void {
  if (tls === null) return;
  try {
    const material = readTlsMaterial(tls.files);
    for (const door of doors) door.setTls(material);
    writeRunFile(storage.path, { ...run, certificate_fingerprint: fingerprintOf(material) });
    input.logger.info('TLS certificate and key were read again');
  } catch (error) {
    input.logger.error({ err: error }, 'TLS files could not be read again; the earlier ones stay in use');
  }
}
