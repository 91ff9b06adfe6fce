import type { ChangeLog, NewChange } from './change-log.js';

/** Whether the feed has not told of it yet: what an upstream tells by itself may be known from a listing or from our own call. */
export function isNews(log: ChangeLog, change: NewChange, by: 'own' | 'other'): boolean {
  const { type, bucket, key, version_id } = change;
  const known = log.known(bucket, key, version_id);
  switch (type) {
    case 'put': {
      if (known === undefined || known.delete_marker) return true;
      const same = known.etag === change.etag && known.size_bytes === change.size_bytes;
      if (version_id !== 'null' || by === 'own') return !same;
      if (known.modified_at_ms === null || change.modified_at_ms === null) return true;
      // An older write of the key has been overwritten by one that was told of.
      return (
        change.modified_at_ms > known.modified_at_ms ||
        (change.modified_at_ms === known.modified_at_ms && !same)
      );
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
      return by === 'other';
  }
}
