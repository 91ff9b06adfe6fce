import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { Agent } from 'undici';
import type { Adapter } from '../../../adapters/contract/index.js';
import type { Inspector } from '../../../adapters/inspect.js';
import {
  type OpenLocalAdapterOptions,
  openLocalAdapter,
} from '../../../adapters/local/open-local-adapter.js';
import { createNodeRegistry, type Peer } from '../../nodes/registry.js';
import { SHARD_BUCKET } from '../../objects/shard-bucket.js';
import { createObjectStore } from '../../objects/store.js';
import { createVerifications, type Verifications } from '../../objects/verifications.js';
import { openStateStore } from '../../state/lmdb-state.js';
import type { StateStore } from '../../state/store.js';
import type { ShardAccess, ShardEvent, ShardSettings } from '../deps.js';
import { createShardServer } from '../server.js';

export interface TestNodeOptions {
  /** What stands between the node and its adapter. */
  readonly around?: (adapter: Adapter) => Adapter;
  readonly quota_bytes?: number;
  readonly settings?: Partial<ShardSettings>;
  readonly access?: Partial<ShardAccess>;
  readonly phase?: () => 'starting' | 'running' | 'draining';
  readonly peers?: readonly Peer[];
  readonly local?: Partial<OpenLocalAdapterOptions>;
  readonly makeRoom?: (bytes: number) => Promise<unknown>;
  readonly inspectors?: readonly Inspector[];
  /** Reused when given; else a fresh one that `close` removes. */
  readonly folder?: string;
}

export interface TestNode {
  readonly url: string;
  readonly port: number;
  readonly folder: string;
  readonly store: Adapter;
  readonly state: StateStore;
  readonly verifications: Verifications;
  readonly events: ShardEvent[];
  call(method: string, path: string, options?: CallOptions): Promise<CallAnswer>;
  /** Stores a shard as the first clients do. */
  put(shard_id: string, data: string | Buffer, extra?: object): Promise<CallAnswer>;
  /** Sends bytes as they are and collects what comes until the other side closes. */
  raw(text: string): Promise<string>;
  close(): Promise<void>;
}

interface CallOptions {
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  readonly json?: unknown;
}

interface CallAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: Buffer;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of all shapes
  readonly json: any;
}

export const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

export function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

export function storeDocument(shard_id: string, data: string | Buffer, extra: object = {}): object {
  return {
    shard_id,
    shard_data: Buffer.from(data).toString('base64'),
    original_hash: sha256(data),
    ...extra,
  };
}

export async function startTestNode(options: TestNodeOptions = {}): Promise<TestNode> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'shards-')));
  const adapter = await openLocalAdapter({ name: 'disk', path: join(folder, 'disk'), ...options.local });
  const state = openStateStore(join(folder, 'state'));
  const verifications = createVerifications({
    state,
    on_error: (error) => {
      throw error;
    },
  });
  const store = createObjectStore({
    mounts: [{ pattern: '*', adapter: options.around?.(adapter) ?? adapter }],
    quota_bytes: options.quota_bytes ?? GIB,
    permanent_buckets: [SHARD_BUCKET],
    ...(options.makeRoom && { makeRoom: options.makeRoom }),
  });
  const events: ShardEvent[] = [];
  const app = createShardServer({
    store,
    verifications,
    registry: createNodeRegistry({ state, peers: options.peers ?? [], peer_timeout_ms: 300_000 }),
    logger: pino({ level: 'silent' }),
    ...(options.inspectors && { inspectors: options.inspectors }),
    node: { node_id: 'test-node', version: '1.2.3', owner: 'root-id', started_at_ms: Date.now() },
    settings: {
      shard_bytes_max: 100 * MIB,
      storage_bytes_max: options.quota_bytes ?? GIB,
      allowed_source_nodes: [],
      ...options.settings,
    },
    access: { anonymous: true, verifyToken: () => undefined, ...options.access },
    mounts: async () => [{ buckets: '*' }],
    phase: options.phase ?? (() => 'running'),
    observe: (event) => events.push(event),
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const agent = new Agent();
  const origin = `http://127.0.0.1:${port}`;

  const call = async (method: string, path: string, given: CallOptions = {}): Promise<CallAnswer> => {
    const body = given.json === undefined ? given.body : JSON.stringify(given.json);
    const answer = await agent.request({
      origin,
      path,
      method: method as 'GET',
      headers: { ...(given.json !== undefined && { 'content-type': 'application/json' }), ...given.headers },
      body: body ?? null,
    });
    const bytes = Buffer.from(await answer.body.arrayBuffer());
    const is_json = String(answer.headers['content-type']).startsWith('application/json');
    return {
      status: answer.statusCode,
      headers: answer.headers,
      bytes,
      json: is_json && bytes.length > 0 ? JSON.parse(bytes.toString()) : undefined,
    };
  };

  return {
    url: origin,
    port,
    folder,
    store,
    state,
    verifications,
    events,
    call,
    put: (shard_id, data, extra) =>
      call('POST', '/api/v1/shards/store', { json: storeDocument(shard_id, data, extra) }),
    raw: (text) =>
      new Promise((resolve, reject) => {
        const socket = connect(port, '127.0.0.1', () => socket.write(text));
        let answer = '';
        socket.setEncoding('utf8').on('data', (chunk) => {
          answer += chunk;
        });
        socket.on('end', () => resolve(answer)).on('error', reject);
      }),
    close: async () => {
      await agent.destroy();
      await app.close();
      await verifications.close();
      await store.close();
      await state.close();
      if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}
