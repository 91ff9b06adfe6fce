import { type Adapter, StoreError } from '../../adapters/contract/index.js';
import { LIMITS } from '../../config/limits.js';

/** Which adapter is the home of which bucket names. */
export interface Mount {
  /** A bucket name, or a pattern with `*` for any run of characters. */
  readonly pattern: string;
  readonly adapter: Adapter;
  /** Whether what lies there counts against the quota. Default true. */
  readonly counts?: boolean;
}

export interface Mounts {
  /** The home of a bucket; the first mount whose pattern matches. Errors: not_found (bucket). */
  homeOf(bucket: string): Adapter;
  find(bucket: string): Mount | undefined;
  /** Each adapter once. */
  readonly adapters: readonly Adapter[];
  /** Those whose bytes count against the quota, each once. */
  readonly counted: readonly Adapter[];
}

/** Names of the node's own hidden buckets: the doors never reach them. */
function isReservedBucket(bucket: string): boolean {
  return bucket.charCodeAt(0) === 0x2e;
}

/** Linear in the length of the name: each piece between stars is looked for once, leftmost first. */
export function matchesPattern(pattern: string, name: string): boolean {
  const [head = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return name === head;
  const tail = rest.pop() ?? '';
  if (name.length < head.length + tail.length || !name.startsWith(head) || !name.endsWith(tail)) return false;
  const end = name.length - tail.length;
  let at = head.length;
  for (const piece of rest) {
    const found = name.indexOf(piece, at);
    if (found < 0 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}

function noSuchBucket(bucket: string): StoreError {
  return new StoreError('not_found', `bucket ${bucket} does not exist`, { subject: 'bucket' });
}

export function createMounts(mounts: readonly Mount[]): Mounts {
  const homes = new Map<string, Mount>();
  const find = (bucket: string): Mount | undefined => {
    const known = homes.get(bucket);
    if (known !== undefined) return known;
    if (isReservedBucket(bucket)) return undefined;
    const mount = mounts.find(({ pattern }) => matchesPattern(pattern, bucket));
    if (mount === undefined) return undefined;
    // Names come from clients: without a bound anyone could fill the memory with them.
    if (homes.size >= LIMITS.mounted_buckets_cached_max) homes.clear();
    homes.set(bucket, mount);
    return mount;
  };
  return {
    find,
    homeOf: (bucket) => {
      const mount = find(bucket);
      if (mount === undefined) throw noSuchBucket(bucket);
      return mount.adapter;
    },
    adapters: [...new Set(mounts.map(({ adapter }) => adapter))],
    counted: [
      ...new Set(mounts.filter(({ counts }) => counts !== false).map(({ adapter }) => adapter)),
    ].filter(({ capabilities }) => capabilities.usage),
  };
}
