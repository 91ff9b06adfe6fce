import {
  type Adapter,
  isStoreError,
  type ObjectInfo,
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

async function* bucketNames(store: Adapter, after: string | undefined, signal: AbortSignal) {
  for (let from = after; ; ) {
    const page = await store.listBuckets({
      limit: LIMITS.scrub_page_count,
      signal,
      ...(from !== undefined && { after: from }),
    });
    for (const { name } of page.buckets) yield name;
    if (page.next === null) return;
    from = page.next;
  }
}

function isObject(entry: VersionEntry): entry is { readonly delete_marker: false } & ObjectInfo {
  return !entry.delete_marker;
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
    const page = await store.listVersions({
      bucket,
      limit: Math.min(page_count, store.capabilities.list_limit_max),
      signal,
      ...(after !== null && { after }),
    });
    const objects = page.entries.flatMap((entry) =>
      entry.type === 'item' && isObject(entry.item) ? [entry.item] : [],
    );
    yield { bucket, objects, from: { bucket, after }, next: page.next };
    if (page.next === null) return;
    after = page.next;
  }
}

/** All versions of all buckets, from a position or from the beginning, page by page. */
export async function* walkAll(
  store: Adapter,
  position: WalkPosition | null,
  signal: AbortSignal,
): AsyncGenerator<WalkPage> {
  if (position !== null) yield* walkBucketIfThere(store, position, signal);
  for await (const bucket of bucketNames(store, position?.bucket, signal)) {
    yield* walkBucketIfThere(store, { bucket, after: null }, signal);
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
