import type { ChangeLog, KnownVersion, NewChange } from './change-log.js';

/** Whether the feed has not told of it yet: what an upstream tells by itself may be known from a listing. */
export function isNews(log: ChangeLog, change: NewChange): boolean {
  const { type, bucket, key, version_id, modified_at_ms } = change;
  const known = log.known(bucket, key, version_id);
  switch (type) {
    case 'put': {
      if (known === undefined || known.delete_marker) return true;
      const same = hasContent(known, change);
      if (version_id !== 'null') return !same;
      if (known.modified_at_ms === null || modified_at_ms === null) return true;
      // An older write of the key has been overwritten by one that was told of.
      return modified_at_ms > known.modified_at_ms || (modified_at_ms === known.modified_at_ms && !same);
    }
    case 'delete_marker':
      return known?.delete_marker !== true;
    case 'delete':
      return known !== undefined || !log.wasDeleted(bucket, key, version_id);
    case 'bucket_created':
      return log.bucket(bucket) === undefined;
    case 'bucket_deleted':
      return log.bucket(bucket) !== undefined;
    case 'metadata':
    case 'bucket_changed':
      return true;
  }
}

/** Whether the inventory is as this write of ours leaves it. If not, a later one did more, or this one was never told of. */
export function isAsTold(log: ChangeLog, change: NewChange): boolean {
  const { type, bucket, key, version_id } = change;
  if (key === '' || type === 'metadata') return true;
  const known = log.known(bucket, key, version_id);
  if (type === 'delete') return known === undefined;
  if (known === undefined) return false;
  return known.delete_marker ? type === 'delete_marker' : type === 'put' && hasContent(known, change);
}

function hasContent(known: KnownVersion, { etag, size_bytes }: NewChange): boolean {
  return known.etag === etag && known.size_bytes === size_bytes;
}
