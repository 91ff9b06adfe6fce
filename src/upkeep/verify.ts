import { isStoreError, type ObjectInfo } from '../../adapters/contract/index.js';
import { LIMITS } from '../../config/limits.js';
import { SHARD_BUCKET } from '../objects/shard-bucket.js';
import type { UpkeepDeps } from './deps.js';
import { type WalkPage, walkAll } from './walk.js';

export type VerifyDeps = Pick<UpkeepDeps, 'store' | 'verifications' | 'logger' | 'observe'>;

export interface CorruptObject {
  readonly bucket: string;
  readonly key: string;
  readonly version_id: string;
}

export interface VerifyTotals {
  objects_count: number;
  bytes: number;
  corrupt_count: number;
}

/** The last of all keys in UTF-8 order. */
const LAST_KEY = '\u{10ffff}';

/** Reads one version in full; null when it was deleted meanwhile. The adapter sets aside what is corrupt. */
export async function verifyOne(
  deps: VerifyDeps,
  bucket: string,
  info: ObjectInfo,
  signal: AbortSignal,
): Promise<boolean | null> {
  const { key, version_id, size_bytes } = info;
  let intact: boolean;
  try {
    intact = (await deps.store.verifyObject({ bucket, key, version_id, signal })).intact;
  } catch (error) {
    if (isStoreError(error, 'not_found')) return null;
    if (!isStoreError(error, 'corrupt')) throw error;
    intact = false;
  }
  if (bucket === SHARD_BUCKET && info.is_latest) deps.verifications.record(bucket, info, intact);
  deps.observe?.({ type: 'verified', intact, size_bytes });
  if (!intact) {
    deps.logger.error(
      { event: 'object_corrupt', bucket, key, version_id },
      'Stored bytes no longer match their digest',
    );
  }
  return intact;
}

/** Forgets verifications of shards that are gone: those within the page's span of keys that it does not show. */
export async function pruneVerifications(
  deps: VerifyDeps,
  page: WalkPage,
  listed_at_ms: number,
): Promise<void> {
  if (page.bucket !== SHARD_BUCKET) return;
  const first = page.from.after?.key ?? '';
  const last = page.next?.key ?? LAST_KEY;
  const present = new Set(page.objects.map(({ key }) => key)).add(first).add(last);
  await deps.verifications.prune(page.bucket, { from: first, to: last, present, before_ms: listed_at_ms });
}

export interface VerifyProgress extends VerifyTotals {
  /** What there was at the start; more may have come. */
  readonly objects_total: number;
  readonly bytes_total: number;
}

export interface VerifyReport extends VerifyTotals {
  /** The first of them, at most LIMITS.scrub_corrupt_named_max. */
  readonly corrupt: readonly CorruptObject[];
}

export interface VerifyOptions {
  /** Called after each page of objects. */
  readonly onProgress?: (progress: VerifyProgress) => void;
  readonly signal?: AbortSignal;
}

const CONCURRENT_COUNT = 4;

/** Verifies everything now, as fast as it goes. Rejects with the signal's reason when it is aborted. */
export async function verifyAll(deps: VerifyDeps, options: VerifyOptions = {}): Promise<VerifyReport> {
  const signal = options.signal ?? new AbortController().signal;
  const usage = await deps.store.usage({});
  const totals: VerifyTotals = { objects_count: 0, bytes: 0, corrupt_count: 0 };
  const corrupt: CorruptObject[] = [];
  for await (const page of walkAll(deps.store, null, signal)) {
    await eachOf(page.objects, async (info) => {
      signal.throwIfAborted();
      const intact = await verifyOne(deps, page.bucket, info, signal);
      if (intact === null) return;
      totals.objects_count++;
      totals.bytes += info.size_bytes;
      if (intact) return;
      totals.corrupt_count++;
      if (corrupt.length < LIMITS.scrub_corrupt_named_max) {
        corrupt.push({ bucket: page.bucket, key: info.key, version_id: info.version_id });
      }
    });
    options.onProgress?.({ ...totals, objects_total: usage.versions_count, bytes_total: usage.stored_bytes });
  }
  await deps.verifications.flush();
  return { ...totals, corrupt };
}

async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const worker = async () => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: CONCURRENT_COUNT }, worker));
}
