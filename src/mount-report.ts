/** What a configuration's mounts are, in words for people and programs: `config check` and `/api/v1/mounts`. */
import { type ErrorKind, StoreError } from '../adapters/contract/index.js';
import { effectiveAdapters, effectiveMounts } from '../config/effective.js';
import { homeIndex, type MountSettings, upstreamName } from '../config/mount-checks.js';
import { matchesPattern } from '../config/mount-patterns.js';
import type { AdapterConfig, Config } from '../config/schema.js';
import type { MountHealth } from './objects/mount-health.js';
import type { Home } from './objects/mounts.js';
import { SHARD_BUCKET } from './objects/shard-bucket.js';
import type { ObjectStore } from './objects/store.js';

type Settings = Pick<Config, 'adapters' | 'mounts' | 'storage_path'>;

export interface MountReport {
  readonly buckets: string;
  readonly adapter: string;
  readonly adapter_type: AdapterConfig['type'];
  /** The folder or the address of the adapter. */
  readonly location: string;
  readonly upstream_bucket: string | null;
  readonly upstream_prefix: string | null;
  readonly read_only: boolean;
  /** Whether its bytes are part of max_storage_gb: of adapters that count what they hold. */
  readonly counts_against_quota: boolean;
  /** Whether the shard API stores there. */
  readonly holds_shards: boolean;
}

export interface BucketPlace {
  readonly bucket: string;
  /** Index of its mount; null: none takes it. */
  readonly mount: number | null;
  readonly adapter: string | null;
  /** The name there. */
  readonly upstream_bucket: string | null;
  readonly reason: string;
}

/** The folder or the address of an adapter. */
export function locationOf(settings: AdapterConfig): string {
  if (settings.type === 'local') return settings.path;
  return settings.endpoint ?? `AWS ${settings.region ?? ''}`.trimEnd();
}

/** Sums of encrypted or compressed sizes say nothing, and upstreams do not sum. */
function counts(settings: AdapterConfig): boolean {
  return settings.type === 'local' && settings.encryption === undefined && settings.compression === undefined;
}

export function reportMounts(config: Settings): MountReport[] {
  const adapters = effectiveAdapters(config);
  const mounts = effectiveMounts(config);
  const shards_at = homeIndex(mounts, SHARD_BUCKET);
  return mounts.flatMap(({ buckets, adapter, upstream_bucket, upstream_prefix, read_only }, index) => {
    const settings = adapters[adapter];
    if (settings === undefined) return [];
    return [
      {
        buckets,
        adapter,
        adapter_type: settings.type,
        location: locationOf(settings),
        upstream_bucket: upstream_bucket ?? null,
        upstream_prefix: upstream_prefix ?? null,
        read_only,
        counts_against_quota: counts(settings),
        holds_shards: index === shards_at,
      },
    ];
  });
}

function nameOf({ buckets }: MountSettings, index: number): string {
  return `mounts[${index}] ("${buckets}")`;
}

/** Where a bucket lands, and why. */
export function placeOf(config: Settings, bucket: string): BucketPlace {
  const nowhere = { bucket, mount: null, adapter: null, upstream_bucket: null };
  if (bucket.startsWith('.')) return { ...nowhere, reason: 'names that begin with a dot are reserved' };
  const mounts = effectiveMounts(config);
  const index = homeIndex(mounts, bucket);
  const mount = mounts[index];
  if (mount === undefined) return { ...nowhere, reason: 'no mount takes this name' };
  const later = mounts.flatMap((other, at) =>
    at > index && matchesPattern(other.buckets, bucket) ? [nameOf(other, at)] : [],
  );
  const first = later.length === 0 ? 'is the only one that matches' : 'is the first that matches';
  const others = later.length === 0 ? '' : `, before ${later.join(', ')}`;
  return {
    bucket,
    mount: index,
    adapter: mount.adapter,
    upstream_bucket: upstreamName(mount, bucket),
    reason: `${nameOf(mount, index)} ${first}${others}`,
  };
}

/** What is allowed and may still surprise. */
export function mountWarnings(config: Settings): string[] {
  const adapters = effectiveAdapters(config);
  const reports = reportMounts(config);
  const unused = Object.keys(adapters).filter((name) => !reports.some(({ adapter }) => adapter === name));
  const shards = reports.find(({ holds_shards }) => holds_shards);
  return [
    ...unused.map((name) => `adapters.${name}: no mount names it, so nothing is stored there`),
    ...sharedLocations(reports),
    ...(shards !== undefined && !shards.counts_against_quota
      ? [
          `the bucket ${SHARD_BUCKET} lies on ${shards.adapter}, which does not count what it holds: shards are counted by listing, max_storage_gb does not bound them, and none is removed to make room`,
        ]
      : []),
    ...(reports.at(-1)?.buckets === '*'
      ? []
      : ['mounts: the last one is not "*", so buckets with other names cannot be created']),
  ];
}

/** Two adapters of one store: each may be right by itself, and together they show one bucket twice. */
function sharedLocations(reports: readonly MountReport[]): string[] {
  return reports.flatMap((one, index) => {
    const twin = reports
      .slice(0, index)
      .find((other) => other.adapter !== one.adapter && other.location === one.location);
    if (twin === undefined) return [];
    return [
      `adapters ${twin.adapter} and ${one.adapter} are both at ${one.location}: see that no bucket there has two names here`,
    ];
  });
}

/** Without places: callers of the node port need not know the folders and networks of the machine. */
export interface MountState extends Omit<MountReport, 'location'> {
  readonly available: boolean;
  /** Why not; the log has the upstream's own words. */
  readonly error: ErrorKind | 'not_mounted' | null;
}

/** The same of a running node, and whether each mount answers now; bounded in time. */
export async function mountStates(config: Settings, { mounts, health }: ObjectStore): Promise<MountState[]> {
  return Promise.all(
    reportMounts(config).map(async ({ location: _, ...report }) => {
      const home = mounts.homes.find(({ pattern }) => pattern === report.buckets);
      const error = home === undefined ? 'not_mounted' : await failureOf(home, health);
      return { ...report, available: error === null, error };
    }),
  );
}

/** Null where it answers. */
async function failureOf({ pattern, view }: Home, health: MountHealth): Promise<ErrorKind | null> {
  const ask = () =>
    view.listBuckets({ limit: 1 }).catch((cause: unknown) => {
      if (cause instanceof StoreError) throw cause;
      // Of one mount; the others are shown all the same.
      throw new StoreError('unexpected', String(cause), { subject: 'adapter', cause });
    });
  try {
    await health.watch([pattern], ask);
    return null;
  } catch (error) {
    if (error instanceof StoreError) return error.kind;
    throw error;
  }
}
