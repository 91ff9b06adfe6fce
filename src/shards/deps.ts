import type { FastifyServerOptions } from 'fastify';
import type { Logger } from 'pino';
import type { Adapter } from '../../adapters/contract/index.js';
import type { Inspector } from '../../adapters/inspect.js';
import type { NodeRegistry } from '../nodes/registry.js';
import type { Verifications } from '../objects/verifications.js';

export interface ShardServerDeps {
  /** The object store of the node; shards are the objects of its bucket `shards`. */
  readonly store: Adapter;
  readonly verifications: Verifications;
  readonly registry: NodeRegistry;
  readonly logger: Logger;
  readonly node: NodeIdentity;
  readonly settings: ShardSettings;
  readonly access: ShardAccess;
  /** What /api/v1/mounts shows. */
  readonly mounts: () => Promise<readonly object[]>;
  /** What /api/v1/adapters shows, and /api/v1/status of upstreams. Default: none. */
  readonly inspectors?: readonly Inspector[];
  /** `running` answers /health with 200, anything else with 503. */
  readonly phase: () => 'starting' | 'running' | 'draining';
  /** Told of what metrics count; must not throw. */
  readonly observe?: (event: ShardEvent) => void;
  /** The listener (limits, TLS, draining) is the process's. */
  readonly serverFactory?: FastifyServerOptions['serverFactory'];
}

interface NodeIdentity {
  readonly node_id: string;
  readonly version: string;
  /** Canonical id that owns the shard bucket and its objects. */
  readonly owner: string;
  readonly started_at_ms: number;
}

export interface ShardSettings {
  readonly shard_bytes_max: number;
  /** The quota, as /api/v1/status shows it. */
  readonly storage_bytes_max: number;
  /** Only these may store; empty: any. */
  readonly allowed_source_nodes: readonly string[];
}

export interface ShardAccess {
  /** Calls without a token are accepted. */
  readonly anonymous: boolean;
  /** Whether those may name any host in `Host`; else an IP address or localhost. */
  readonly any_host?: boolean;
  /** Anything but undefined, null or false: the token is good. */
  readonly verifyToken: (token: string) => unknown;
}

export type ShardEvent =
  | { readonly type: 'stored' | 'retrieved'; readonly size_bytes: number }
  | { readonly type: 'deleted' }
  | { readonly type: 'corrupt' };

/** Transfers under way, for /api/v1/status. */
interface ActiveTransfers {
  count: number;
}

export interface ShardRouteDeps extends ShardServerDeps {
  /** To be awaited before a shard is written: makes the shard bucket where that has not happened yet. */
  readonly requireBucket: () => Promise<void>;
  readonly transfers: ActiveTransfers;
}
