import { isStoreError, type ObjectInfo } from '../../adapters/contract/index.js';
import { SHARD_BUCKET } from '../objects/shard-bucket.js';
import type { UpkeepDeps } from './deps.js';
import type { WalkPage } from './walk.js';

export type VerifyDeps = Pick<UpkeepDeps, 'store' | 'verifications' | 'logger' | 'observe'>;

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
