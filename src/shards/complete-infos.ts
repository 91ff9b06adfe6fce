import { type Adapter, isStoreError, type ObjectInfo } from '../../adapters/contract/index.js';
import { LIMITS } from '../../config/limits.js';
import { SHARD_BUCKET } from '../objects/shard-bucket.js';
import { toShardFields } from './attributes.js';

/**
 * The listing of an upstream tells keys, sizes and times, and nothing of what belongs to shards: those are looked at one
 * by one. Objects that were deleted meanwhile stay as they were listed.
 */
export async function completeInfos(
  store: Adapter,
  listed: readonly ObjectInfo[],
  signal: AbortSignal,
): Promise<readonly ObjectInfo[]> {
  const brief = listed.filter((info) => toShardFields(info).sha256 === null);
  if (brief.length === 0) return listed;
  const found = new Map<string, ObjectInfo>();
  for (let at = 0; at < brief.length; at += LIMITS.shard_lookups_at_once) {
    const group = brief.slice(at, at + LIMITS.shard_lookups_at_once);
    const infos = await Promise.all(group.map((info) => look(store, info, signal)));
    for (const info of infos) found.set(info.key, info);
  }
  return listed.map((info) => found.get(info.key) ?? info);
}

async function look(store: Adapter, listed: ObjectInfo, signal: AbortSignal): Promise<ObjectInfo> {
  try {
    return (await store.headObject({ bucket: SHARD_BUCKET, key: listed.key, signal })).info;
  } catch (error) {
    if (isStoreError(error, 'not_found')) return listed;
    throw error;
  }
}
