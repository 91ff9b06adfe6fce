import { GetBucketVersioningCommand, GetObjectLockConfigurationCommand } from '@aws-sdk/client-s3';
import { LIMITS } from '../../config/limits.js';
import type { Capabilities } from '../contract/index.js';
import { type BucketInfo, isStoreError, StoreError, type VersioningState } from '../contract/index.js';
import { createBrief } from './brief.js';
import { toStoreError } from './errors.js';
import type { Records } from './records.js';
import type { Upstream } from './upstream.js';

/** What is known of buckets, for a moment: every request asks for the owner of its bucket. */
export interface BucketBook {
  /** Fails with not_found. At most `upstream_bucket_info_ms` old, unless it was changed here. */
  info(bucket: string, signal?: AbortSignal): Promise<BucketInfo>;
  forget(bucket: string): void;
}

/** Kept in the reserved bucket, because S3 has no place for it. */
export interface BucketRecord {
  readonly owner: string;
  readonly region: string;
  readonly created_at_ms: number;
}

export const bucketRecordPath = (bucket: string): string => `buckets/${bucket}.json`;

export function createBucketBook(
  upstream: Upstream,
  capabilities: Capabilities,
  records: Records,
): BucketBook {
  const known = createBrief({
    read: (bucket) => readInfo(upstream, capabilities, records, bucket),
    kept_ms: LIMITS.upstream_bucket_info_ms,
    entries_max: LIMITS.upstream_bucket_infos_max,
  });
  return {
    async info(bucket, signal) {
      if (bucket === records.bucket) throw noBucket(bucket);
      signal?.throwIfAborted();
      return known.get(bucket);
    },
    forget: known.forget,
  };
}

export function noBucket(bucket: string): StoreError {
  return new StoreError('not_found', `there is no bucket ${bucket}`, { subject: 'bucket' });
}

async function readInfo(
  upstream: Upstream,
  capabilities: Capabilities,
  records: Records,
  bucket: string,
): Promise<BucketInfo> {
  const [head, record, versioning] = await Promise.all([
    headBucket(upstream, bucket),
    records.read(bucketRecordPath(bucket)).then(parseRecord),
    capabilities.versioning ? readVersioning(upstream, bucket) : ('unversioned' as const),
  ]);
  if (!head) throw noBucket(bucket);
  const object_lock =
    capabilities.object_lock && versioning === 'enabled' && (await readLock(upstream, bucket));
  return {
    name: bucket,
    created_at_ms: record?.created_at_ms ?? 0,
    owner: record?.owner ?? '',
    versioning,
    object_lock,
    region: record?.region ?? '',
  };
}

async function headBucket(upstream: Upstream, bucket: string): Promise<boolean> {
  try {
    await upstream.sendForText({ method: 'HEAD', bucket });
    return true;
  } catch (error) {
    if (isStoreError(error, 'not_found')) return false;
    throw error;
  }
}

function parseRecord(record: { readonly content: string } | null): BucketRecord | null {
  if (record === null) return null;
  try {
    return JSON.parse(record.content) as BucketRecord;
  } catch (cause) {
    throw new StoreError('corrupt', 'the record of a bucket cannot be read', { subject: 'bucket', cause });
  }
}

async function readVersioning(upstream: Upstream, bucket: string): Promise<VersioningState> {
  try {
    const { Status } = await upstream.sdk.send(new GetBucketVersioningCommand({ Bucket: bucket }));
    if (Status === undefined) return 'unversioned';
    return Status === 'Enabled' ? 'enabled' : 'suspended';
  } catch (cause) {
    const error = toStoreError(cause);
    if (error.kind === 'not_found') return 'unversioned';
    throw error;
  }
}

async function readLock(upstream: Upstream, bucket: string): Promise<boolean> {
  try {
    const answer = await upstream.sdk.send(new GetObjectLockConfigurationCommand({ Bucket: bucket }));
    return answer.ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled';
  } catch (cause) {
    const error = toStoreError(cause);
    if (error.kind === 'not_found' || error.kind === 'invalid') return false;
    throw error;
  }
}
