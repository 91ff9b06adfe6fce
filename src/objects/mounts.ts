import { type Adapter, StoreError } from '../../adapters/contract/index.js';
import { LIMITS } from '../../config/limits.js';
import { matchesPattern } from '../../config/mount-patterns.js';
import { mappedView } from './mapped-view.js';
import { createNaming, type Naming, type NamingRule, noSuchBucket } from './naming.js';

/** Which adapter is the home of which bucket names, and under which names they lie there. */
export interface Mount extends NamingRule {
  /** A bucket name, or a pattern with `*` for any run of characters. */
  readonly pattern: string;
  readonly adapter: Adapter;
  /** Whatever would change something is refused. */
  readonly read_only?: boolean;
  /** Whether what lies there counts against the quota. By default what its adapter can count. */
  readonly counts?: boolean;
}

/** A mount, opened. */
export interface Home {
  readonly pattern: string;
  /** The adapter under the names that clients know. */
  readonly view: Adapter;
  /** The adapter itself. */
  readonly adapter: Adapter;
  readonly naming: Naming | undefined;
  readonly read_only: boolean;
  readonly counts: boolean;
}

export interface Mounts {
  /** The home of a bucket; the first mount whose pattern matches. Errors: not_found (bucket). */
  homeOf(bucket: string): Home;
  /** The same, where it may be written to. Errors: access_denied (bucket), with `detail.mount`. */
  writableHomeOf(bucket: string): Home;
  find(bucket: string): Home | undefined;
  readonly homes: readonly Home[];
  /** Each adapter once. */
  readonly adapters: readonly Adapter[];
  /** Those whose bytes count against the quota, each once. */
  readonly counted: readonly Adapter[];
}

/** Names of the node's own hidden buckets: the doors never reach them. */
function isReservedBucket(bucket: string): boolean {
  return bucket.charCodeAt(0) === 0x2e;
}

export function refuseReadOnly({ read_only, pattern }: Home): void {
  if (!read_only) return;
  throw new StoreError('access_denied', `The mount "${pattern}" is read-only.`, {
    subject: 'bucket',
    detail: { mount: pattern },
  });
}

function openHome(mount: Mount): Home {
  const { pattern, adapter, read_only = false, counts = adapter.capabilities.usage } = mount;
  const naming = createNaming(pattern, mount);
  const view = naming === undefined ? adapter : mappedView(adapter, naming);
  return { pattern, view, adapter, naming, read_only, counts };
}

export function createMounts(mounts: readonly Mount[]): Mounts {
  const homes = mounts.map(openHome);
  const known = new Map<string, Home>();
  const find = (bucket: string): Home | undefined => {
    const seen = known.get(bucket);
    if (seen !== undefined) return seen;
    if (isReservedBucket(bucket)) return undefined;
    const home = homes.find(({ pattern }) => matchesPattern(pattern, bucket));
    if (home === undefined) return undefined;
    // Names come from clients: without a bound anyone could fill the memory with them.
    if (known.size >= LIMITS.mounted_buckets_cached_max) known.clear();
    known.set(bucket, home);
    return home;
  };
  const homeOf = (bucket: string): Home => {
    const home = find(bucket);
    if (home === undefined) throw noSuchBucket(bucket);
    return home;
  };
  return {
    find,
    homeOf,
    writableHomeOf: (bucket) => {
      const home = homeOf(bucket);
      refuseReadOnly(home);
      return home;
    },
    homes,
    adapters: [...new Set(homes.map(({ adapter }) => adapter))],
    counted: [...new Set(homes.filter(({ counts }) => counts).map(({ adapter }) => adapter))],
  };
}

/** The name of a bucket of this adapter that clients know; undefined where they do not see it. */
export function ownNameIn(mounts: Mounts, adapter: Adapter): (upstream: string) => string | undefined {
  const mine = mounts.homes.filter((home) => home.adapter === adapter);
  return (upstream) => {
    for (const home of mine) {
      const own = home.naming === undefined ? upstream : home.naming.own(upstream);
      if (own !== undefined && mounts.find(own) === home) return own;
    }
    return undefined;
  };
}

/** Where a copy goes on inside one adapter: the target's view, reading under the names of the source's mount. */
export function viewForCopy(from: Home, to: Home): Adapter {
  if (from.naming === to.naming) return to.view;
  const same: Naming = { upstream: (bucket) => bucket, own: (upstream) => upstream, prefix: '' };
  return mappedView(to.adapter, to.naming ?? same, from.naming);
}
