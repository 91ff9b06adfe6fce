import {
  type Adapter,
  isStoreError,
  type ObjectInfo,
  StoreError,
  type VersionEntry,
  type VersionPosition,
} from '../../adapters/contract/index.js';
import { LIMITS } from '../../config/limits.js';

/** Where a walk over all versions of all buckets stands: behind `after` in `bucket`. */
export interface WalkPosition {
  readonly bucket: string;
  /** Null: the bucket's beginning. */
  readonly after: VersionPosition | null;
}

export interface WalkPage {
  readonly bucket: string;
  readonly objects: readonly ObjectInfo[];
  /** Where this page began. */
  readonly from: WalkPosition;
  /** Where the next one begins; null when the bucket has ended. */
  readonly next: VersionPosition | null;
}

/** Where all are needed, those that can be listed now are followed by an `unavailable` for the others. */
async function* bucketNames(
  store: Adapter,
  after: string | undefined,
  need_all: boolean,
  signal: AbortSignal,
) {
  const missing = new Set<string>();
  for (let from = after; ; ) {
    const page = await store.listBuckets({
      limit: LIMITS.scrub_page_count,
      signal,
      ...(from !== undefined && { after: from }),
    });
    for (const { name } of page.buckets) yield name;
    for (const mount of page.unavailable_mounts ?? []) missing.add(mount);
    if (page.next === null) break;
    from = page.next;
  }
  if (need_all && missing.size > 0) {
    throw new StoreError('unavailable', `mounts that do not answer: ${[...missing].join(', ')}`, {
      subject: 'adapter',
    });
  }
}

function isObject(entry: VersionEntry): entry is { readonly delete_marker: false } & ObjectInfo {
  return !entry.delete_marker;
}

async function listPage(
  store: Adapter,
  { bucket, after }: WalkPosition,
  limit: number,
  signal: AbortSignal,
): Promise<Pick<WalkPage, 'objects' | 'next'>> {
  try {
    const page = await store.listVersions({ bucket, limit, signal, ...(after !== null && { after }) });
    const objects = page.entries.flatMap((entry) =>
      entry.type === 'item' && isObject(entry.item) ? [entry.item] : [],
    );
    return { objects, next: page.next };
  } catch (error) {
    if (!isStoreError(error, 'unsupported')) throw error;
    // Each object is its only version.
    const page = await store.listObjects({
      bucket,
      limit,
      signal,
      ...(after !== null && { after: after.key }),
    });
    const objects = page.entries.flatMap((entry) => (entry.type === 'item' ? [entry.item] : []));
    return { objects, next: page.next === null ? null : { key: page.next } };
  }
}

/** One bucket's versions; a bucket that is deleted on the way ends there. */
export async function* walkBucket(
  store: Adapter,
  position: WalkPosition,
  page_count: number,
  signal: AbortSignal,
): AsyncGenerator<WalkPage> {
  const { bucket } = position;
  for (let after = position.after; ; ) {
    const limit = Math.min(page_count, store.capabilities.list_limit_max);
    const { objects, next } = await listPage(store, { bucket, after }, limit, signal);
    yield { bucket, objects, from: { bucket, after }, next };
    if (next === null) return;
    after = next;
  }
}

/**
 * All versions of all buckets, or of the wanted ones, from a position or from the beginning, page by page. Errors:
 * unavailable at the end where all buckets are wanted and some cannot be listed.
 */
export async function* walkAll(
  store: Adapter,
  position: WalkPosition | null,
  signal: AbortSignal,
  isWanted?: (bucket: string) => boolean,
): AsyncGenerator<WalkPage> {
  const wanted = (bucket: string) => isWanted?.(bucket) !== false;
  if (position !== null && wanted(position.bucket)) yield* walkBucketIfThere(store, position, signal);
  for await (const bucket of bucketNames(store, position?.bucket, isWanted === undefined, signal)) {
    if (wanted(bucket)) yield* walkBucketIfThere(store, { bucket, after: null }, signal);
  }
}

async function* walkBucketIfThere(
  store: Adapter,
  position: WalkPosition,
  signal: AbortSignal,
): AsyncGenerator<WalkPage> {
  try {
    yield* walkBucket(store, position, LIMITS.scrub_page_count, signal);
  } catch (error) {
    if (isStoreError(error, 'not_found') && error.subject === 'bucket') return;
    throw error;
  }
}
