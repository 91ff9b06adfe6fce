import {
  type DeleteObjectResult,
  type ErrorKind,
  isStoreError,
  type ObjectInfo,
  type VersioningState,
} from '../contract/index.js';
import type { ChangeLog, KnownVersion, NewChange } from './change-log.js';
import { deleteOf } from './observe.js';

/** What calls that succeeded have changed. */

export function putChange(bucket: string, { key, version_id, etag, size_bytes }: ObjectInfo): NewChange {
  return { type: 'put', bucket, key, version_id, etag, size_bytes, modified_at_ms: null };
}

export interface DeleteAnswer {
  readonly bucket: string;
  readonly key: string;
  /** As it was asked for. */
  readonly version_id: string | undefined;
  readonly result: DeleteObjectResult;
  /** Whether there was something to delete. */
  readonly was_there: boolean;
  readonly versioning: VersioningState;
}

export function deleteChanges(answer: DeleteAnswer): NewChange[] {
  const { bucket, key, version_id, result, was_there, versioning } = answer;
  if (version_id === undefined && result.delete_marker && result.version_id !== undefined) {
    const marker = {
      bucket,
      key,
      version_id: result.version_id,
      etag: '',
      size_bytes: 0,
      modified_at_ms: null,
    };
    return [{ ...marker, type: 'delete_marker' }];
  }
  // Without a marker a delete that names no version has an effect only where there are no versions.
  if (!was_there || (version_id === undefined && versioning !== 'unversioned')) return [];
  return [deleteOf(bucket, { key, version_id: version_id ?? 'null' })];
}

export function metadataChange(
  bucket: string,
  key: string,
  version_id: string,
  known: KnownVersion | undefined,
): NewChange {
  const { etag = '', size_bytes = 0 } = known ?? {};
  return { type: 'metadata', bucket, key, version_id, etag, size_bytes, modified_at_ms: null };
}

export function bucketChange(
  type: 'bucket_created' | 'bucket_deleted' | 'bucket_changed',
  bucket: string,
  versioning?: VersioningState,
): NewChange {
  return {
    type,
    bucket,
    key: '',
    version_id: '',
    etag: '',
    size_bytes: 0,
    modified_at_ms: null,
    ...(versioning === undefined ? {} : { versioning }),
  };
}

/** Deletes that are told together with that of their bucket. */
const DELETES_MAX = 1_000;

/** A bucket that is gone, and all that was known in it. Undefined: that is more than can be told at once. */
export function goneBucket(log: ChangeLog, bucket: string): NewChange[] | undefined {
  const changes: NewChange[] = [];
  for (const version of log.versions(bucket, null, null)) {
    if (changes.length === DELETES_MAX) return undefined;
    changes.push(deleteOf(bucket, version));
  }
  return [...changes, bucketChange('bucket_deleted', bucket)];
}

/** The upstream said no, so nothing was changed. After anything else nobody knows. */
const REFUSALS: ReadonlySet<ErrorKind> = new Set<ErrorKind>([
  'not_found',
  'already_exists',
  'not_empty',
  'not_modified',
  'precondition_failed',
  'conflict',
  'range_not_satisfiable',
  'invalid_part',
  'invalid_part_order',
  'part_too_small',
  'locked',
  'delete_marker',
  'access_denied',
  'throttled',
  'unsupported',
  'invalid',
]);

export function isRefusal(error: unknown): boolean {
  return isStoreError(error) && REFUSALS.has(error.kind);
}
