/** Mounts that can never do what they say, found before the node starts. */
import { BUCKET_NAME_LENGTH_MAX, findName, matchesPattern } from './mount-patterns.js';
import { DOCUMENTS_BUCKET, SHARD_BUCKET } from './reserved-names.js';
import type { Config } from './schema.js';

export type MountSettings = Config['mounts'][number];

/** A mount, and its place in the configuration. */
interface Placed {
  readonly mount: MountSettings;
  readonly index: number;
}

/** The name under which a bucket of this mount lies in its adapter. */
export function upstreamName(mount: MountSettings, bucket: string): string {
  return mount.upstream_bucket ?? `${mount.upstream_prefix ?? ''}${bucket}`;
}

/** The index of the mount that is a bucket's home; -1 when there is none. */
export function homeIndex(mounts: readonly MountSettings[], bucket: string): number {
  return mounts.findIndex(({ buckets }) => matchesPattern(buckets, bucket));
}

/** One line for each problem, with the key. The adapters that mounts name are looked at elsewhere. */
export function mountProblems({ mounts, adapters }: Pick<Config, 'mounts' | 'adapters'>): string[] {
  if (mounts.length === 0) return [];
  const own = mounts.flatMap((mount, index) => ruleProblems(mount, `mounts[${index}]`));
  if (own.length > 0) return own;
  const unmatched = mounts.flatMap((_, index) => matchProblems(mounts, index));
  const placed = mounts.map((mount, index) => ({ mount, index }));
  return [
    ...unmatched,
    ...shardProblems(mounts),
    ...(unmatched.length > 0 ? [] : twinProblems(placed)),
    ...placed.flatMap((one) => reservedProblems(one, adapters)),
  ];
}

function ruleProblems({ buckets, upstream_bucket, upstream_prefix }: MountSettings, at: string): string[] {
  if (upstream_bucket === undefined) return [];
  if (upstream_prefix !== undefined) {
    return [`${at}: upstream_bucket and upstream_prefix exclude each other; give one of them`];
  }
  if (!buckets.includes('*')) return [];
  return [
    `${at}.upstream_bucket: "${buckets}" may be many buckets, and one upstream holds one; give upstream_prefix, or one name in buckets`,
  ];
}

function patternsOf(mounts: readonly MountSettings[]): string[] {
  return mounts.map(({ buckets }) => buckets);
}

/** The longest name that still has room behind the prefix. */
function lengthMax({ upstream_prefix = '' }: MountSettings): number {
  return BUCKET_NAME_LENGTH_MAX - upstream_prefix.length;
}

function matchProblems(mounts: readonly MountSettings[], index: number): string[] {
  const mount = mounts[index];
  if (mount === undefined) return [];
  const [upTo, alone] = [mounts.slice(0, index + 1), [mount]];
  const isNone = (among: readonly MountSettings[], length_max: number) =>
    findName(
      [{ patterns: patternsOf(among), before: '' }],
      ([matches = []]) => matches.indexOf(true) === among.length - 1,
      length_max,
    ) === null;
  if (!isNone(upTo, lengthMax(mount))) return [];
  const at = `mounts[${index}]`;
  if (isNone(alone, BUCKET_NAME_LENGTH_MAX)) {
    return [`${at}.buckets: "${mount.buckets}" can never match: no bucket may have such a name`];
  }
  if (isNone(alone, lengthMax(mount))) {
    return [
      `${at}.upstream_prefix: leaves no room for a name; both have ${BUCKET_NAME_LENGTH_MAX} characters at most`,
    ];
  }
  const earlier = mounts.slice(0, index).map(({ buckets }, at) => `mounts[${at}] ("${buckets}")`);
  return [
    `${at}.buckets: "${mount.buckets}" can never match: ${earlier.join(', ')} ${earlier.length > 1 ? 'take' : 'takes'} all of its names; put it before them`,
  ];
}

function shardProblems(mounts: readonly MountSettings[]): string[] {
  const index = homeIndex(mounts, SHARD_BUCKET);
  const remedy = `mount "${SHARD_BUCKET}" on an adapter that may be written to`;
  if (index < 0)
    return [`mounts: none takes the bucket ${SHARD_BUCKET}, where the shard API stores; ${remedy}`];
  if (mounts[index]?.read_only !== true) return [];
  return [
    `mounts[${index}].read_only: the bucket ${SHARD_BUCKET} lies there, where the shard API stores; ${remedy}, before this one`,
  ];
}

/** Two names of one upstream bucket would be one bucket with two owners, policies and quotas. */
function twinProblems(placed: readonly Placed[]): string[] {
  const mounts = placed.map(({ mount }) => mount);
  return placed.flatMap((one, at) =>
    placed.slice(0, at).flatMap((other) => {
      if (one.mount.adapter !== other.mount.adapter) return [];
      const twins = findTwins(mounts, one, other) ?? findTwins(mounts, other, one);
      if (twins === undefined) return [];
      const mapped = one.mount.upstream_bucket ?? one.mount.upstream_prefix;
      const { index, mount } = mapped === undefined ? other : one;
      const key = mount.upstream_bucket === undefined ? 'upstream_prefix' : 'upstream_bucket';
      return [
        `mounts[${index}].${key}: the buckets "${twins.names.join('" and "')}" would both be "${twins.upstream}" of adapter ${mount.adapter}; give one of the mounts another upstream_prefix, or another pattern`,
      ];
    }),
  );
}

interface Twins {
  readonly names: readonly [string, string];
  readonly upstream: string;
}

/** A name at home in `longer` and another one at home in `shorter` with the same upstream name. */
function findTwins(mounts: readonly MountSettings[], longer: Placed, shorter: Placed): Twins | undefined {
  const { upstream_bucket } = longer.mount;
  if (upstream_bucket !== undefined) return findTwinOf(mounts, longer.mount, upstream_bucket, shorter);
  if (shorter.mount.upstream_bucket !== undefined) return undefined;
  const [long = '', short = ''] = [longer.mount.upstream_prefix, shorter.mount.upstream_prefix];
  if (long === short || !long.startsWith(short)) return undefined;
  const between = long.slice(short.length);
  const patterns = patternsOf(mounts);
  const name = findName(
    [
      { patterns, before: '' },
      { patterns, before: between },
    ],
    ([own = [], behind = []]) => own.indexOf(true) === longer.index && behind.indexOf(true) === shorter.index,
    lengthMax(longer.mount),
  );
  return typeof name === 'string' ? { names: [name, between + name], upstream: long + name } : undefined;
}

function findTwinOf(
  mounts: readonly MountSettings[],
  { buckets }: MountSettings,
  upstream: string,
  other: Placed,
): Twins | undefined {
  const { upstream_bucket, upstream_prefix = '' } = other.mount;
  if (upstream_bucket !== undefined) {
    return upstream_bucket === upstream ? { names: [other.mount.buckets, buckets], upstream } : undefined;
  }
  if (!upstream.startsWith(upstream_prefix)) return undefined;
  const name = upstream.slice(upstream_prefix.length);
  if (name === buckets || homeIndex(mounts, name) !== other.index) return undefined;
  return { names: [buckets, name], upstream };
}

/** What an adapter hides upstream for itself. */
function reservedProblems({ mount, index }: Placed, adapters: Config['adapters']): string[] {
  const adapter = adapters[mount.adapter];
  const { upstream_bucket } = mount;
  if (adapter === undefined || upstream_bucket === undefined) return [];
  const reserved = [
    adapter.type === 'local' ? undefined : (adapter.documents_bucket ?? DOCUMENTS_BUCKET),
    adapter.encryption?.records_bucket,
    adapter.compression?.records_bucket,
  ];
  if (!reserved.includes(upstream_bucket)) return [];
  return [`mounts[${index}].upstream_bucket: "${upstream_bucket}" is reserved by adapter ${mount.adapter}`];
}
