import type { ObjectInfo } from '../../contract/index.js';

/** The latest version of an object, whole, as it was upstream at `checked_at_ms`. */
export interface CachedObject {
  readonly info: ObjectInfo;
  readonly content: Uint8Array;
  /** performance.now() when the upstream was asked. */
  readonly checked_at_ms: number;
}

/** Whether both tell of the same write. Tags and locks may differ. */
export function isSameWrite(a: ObjectInfo, b: ObjectInfo): boolean {
  return (
    a.etag === b.etag &&
    a.size_bytes === b.size_bytes &&
    a.version_id === b.version_id &&
    a.modified_at_ms === b.modified_at_ms
  );
}

/** Bucket names hold no NUL. */
export function cacheKey(address: { readonly bucket: string; readonly key: string }): string {
  return `${address.bucket}\0${address.key}`;
}

export function bucketPrefix(bucket: string): string {
  return `${bucket}\0`;
}

/** What an entry takes in memory beside its content: about that much for info and the cache's own books. */
const ENTRY_BYTES = 1_024;

export function entryBytes(key: string, content_bytes: number): number {
  return content_bytes + key.length * 2 + ENTRY_BYTES;
}
