/** What lies under `storage_path`, opened: lock, state, identities and the object store. Needed with and without doors. */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Adapter, isStoreError, type StoreError } from '../adapters/contract/index.js';
import { type CallStats, createCallStats } from '../adapters/decorators/call-stats.js';
import { decoratorOptions } from '../adapters/decorators/settings.js';
import type { Inspector } from '../adapters/inspect.js';
import { type FolderLock, lockFolder } from '../adapters/local/lock-file.js';
import { type AdapterEntry, openInspected } from '../adapters/open.js';
import { type RemoteSettings, s3Options } from '../adapters/s3/settings.js';
import { effectiveAdapters, effectiveMounts } from '../config/effective.js';
import type { Environment } from '../config/env.js';
import { RESERVED_ENV } from '../config/env.js';
import { ConfigError } from '../config/load.js';
import { reviewConfig } from '../config/review.js';
import type { Config } from '../config/schema.js';
import { type Access, openAccess } from './access/access.js';
import { hasSealedSecrets } from './access/key-book.js';
import { openMasterKey } from './access/master-key.js';
import { openRootCredentials, type RootCredentials } from './access/root-credentials.js';
import { type NodeIdentity, openNodeId } from './control/node-id.js';
import type { MountEvent } from './objects/mount-health.js';
import { SHARD_BUCKET } from './objects/shard-bucket.js';
import { createObjectStore, type ObjectStore } from './objects/store.js';
import { explainKeyError, openProtection, type Protection, wasEncrypting } from './protection.js';
import { openStateStore } from './state/lmdb-state.js';
import type { StateStore } from './state/store.js';

export interface Storage {
  readonly path: string;
  readonly identity: NodeIdentity;
  readonly root: RootCredentials;
  readonly access: Access;
  readonly state: StateStore;
  /** All buckets, through mounts and quota. */
  readonly store: ObjectStore;
  /** The adapters behind it, by their names in the configuration. */
  readonly adapters: ReadonlyMap<string, Adapter>;
  /** Of each adapter, in the order of the configuration. */
  readonly inspectors: readonly Inspector[];
  /** Calls to those adapters that have decorators; the others are not slowed down by counting. */
  readonly adapter_stats: CallStats;
  /** Whether a bucket lies on a disk of this node, not in an upstream. */
  isOnDisk(bucket: string): boolean;
  /** Lets makeRoom be set by who knows what may go. */
  setMakeRoom(make_room: (bytes: number) => Promise<unknown>): void;
  close(): Promise<void>;
}

export interface OpenStorageInput {
  readonly config: Config;
  readonly env: Environment;
  readonly on_fatal: (error: Error) => void;
  readonly on_mount_event?: (event: MountEvent) => void;
}

const GIB = 1024 ** 3;
const OWNER_ONLY = 0o700;

export function quotaBytes(config: Config): number {
  return Math.floor(config.max_storage_gb * GIB);
}

interface LocalOptions extends Protection {
  readonly on_fatal: (error: Error) => void;
  /** Of storage_path. */
  readonly path: string;
  readonly lock: FolderLock;
  readonly env: Environment;
  readonly adapter_stats: CallStats;
  readonly state: StateStore;
}

interface OpenAdapters {
  readonly adapters: Map<string, Adapter>;
  readonly inspectors: Inspector[];
}

async function openAdapters(config: Config, options: LocalOptions): Promise<OpenAdapters> {
  const { path: locked_path, lock, on_fatal, env, adapter_stats, state, ...protection } = options;
  const adapters = new Map<string, Adapter>();
  const inspectors: Inspector[] = [];
  const open = async (name: string, entry: AdapterEntry) => {
    const { adapter, inspector } = await openInspected(entry);
    adapters.set(name, adapter);
    inspectors.push(inspector);
  };
  const fatal = (error: unknown) => on_fatal(error instanceof Error ? error : new Error(String(error)));
  try {
    for (const [name, settings] of Object.entries(effectiveAdapters(config))) {
      const wanted = decoratorOptions(name, settings, { env, storage_path: locked_path });
      const { observer } = adapter_stats;
      const decorators = Object.keys(wanted).length === 0 ? wanted : { ...wanted, observer };
      if (settings.type !== 'local') {
        const feed = feedOptions(settings, state);
        await open(name, { ...s3Options(name, settings, env), type: settings.type, decorators, ...feed });
        continue;
      }
      const path = resolve(settings.path);
      const held = path === locked_path ? { lock } : {};
      const entry = { type: settings.type, name, path, on_fatal: fatal, decorators, ...protection, ...held };
      await open(name, entry);
    }
  } catch (error) {
    await closeAll(adapters.values());
    throw explainKeyError(error);
  }
  return { adapters, inspectors };
}

/** Feeds of upstreams lie in the node's own state. */
function feedOptions(settings: RemoteSettings, store: StateStore) {
  const { change_feed, reconcile_interval_seconds } = settings;
  if (!change_feed) return {};
  return { feed: { store, reconcile_interval_ms: reconcile_interval_seconds * 1000 } };
}

/** Another process has the folder open. */
export function isLockedError(error: unknown): error is StoreError {
  return isStoreError(error, 'unavailable') && error.detail.held === true;
}

async function closeAll(adapters: Iterable<Adapter>): Promise<void> {
  for (const adapter of adapters) await adapter.close();
}

function mountsOf(config: Config, adapters: ReadonlyMap<string, Adapter>) {
  return effectiveMounts(config).flatMap(({ buckets, adapter: name, ...rest }) => {
    const adapter = adapters.get(name);
    return adapter ? [{ ...rest, pattern: buckets, adapter }] : [];
  });
}

/** Throws ConfigError for what the configuration asks and this version does not do. */
export async function openStorage({
  config,
  env,
  on_fatal,
  on_mount_event,
}: OpenStorageInput): Promise<Storage> {
  const { refusals } = reviewConfig(config, true);
  if (refusals.length > 0) throw new ConfigError(refusals);
  const path = resolve(config.storage_path);
  mkdirSync(path, { recursive: true, mode: OWNER_ONLY });
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const one of closers.splice(0).reverse()) await one();
  };
  try {
    const lock = await lockFolder(path);
    closers.push(() => lock.release());
    const state = openStateStore(join(path, 'state'), { on_fatal });
    closers.push(() => state.close());
    const identity = openNodeId(path, config.node_id, Date.now());
    const root = openRootCredentials(path, env);
    const master_key = openMasterKey({
      storage_path: path,
      from_env: env[RESERVED_ENV.master_key],
      needed: hasSealedSecrets(state) || wasEncrypting(state),
    });
    const protection = await openProtection(config, master_key, state);
    const adapter_stats = createCallStats();
    const options = { ...protection, on_fatal, path, lock, env, adapter_stats, state };
    const { adapters, inspectors } = await openAdapters(config, options);
    closers.push(() => closeAll(adapters.values()));
    const access = await openAccess({
      state,
      root,
      users: config.users,
      shard_tokens: config.shard_tokens,
      master_key,
      now_ms: Date.now,
    });
    let make_room: (bytes: number) => Promise<unknown> = async () => undefined;
    const store = createObjectStore({
      mounts: mountsOf(config, adapters),
      quota_bytes: quotaBytes(config),
      makeRoom: (bytes) => make_room(bytes),
      permanent_buckets: [SHARD_BUCKET],
      ...(on_mount_event && { onMountEvent: on_mount_event }),
    });
    return {
      path,
      identity,
      root,
      access,
      state,
      store,
      adapters,
      inspectors,
      adapter_stats,
      isOnDisk: (bucket) => {
        const home = store.mounts.find(bucket);
        return home !== undefined && effectiveAdapters(config)[home.adapter.name]?.type === 'local';
      },
      setMakeRoom: (next) => {
        make_room = next;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
