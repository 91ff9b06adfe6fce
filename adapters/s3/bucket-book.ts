import { GetBucketVersioningCommand, GetObjectLockConfigurationCommand } from '@aws-sdk/client-s3';
import { LIMITS } from '../../config/limits.js';
import type { Capabilities } from '../contract/index.js';
import { type BucketInfo, isStoreError, StoreError, type VersioningState } from '../contract/index.js';
import { createBrief } from './brief.js';
import { readBucketRecord } from './bucket-records.js';
import { toStoreError } from './errors.js';
import type { Records } from './records.js';
import type { Upstream } from './upstream.js';

/** What is known of buckets, for a moment: every request asks for the owner of its bucket. */
export interface BucketBook {
  /** Fails with not_found. At most `upstream_bucket_info_ms` old, unless it was changed here. */
  info(bucket: string, signal?: AbortSignal): Promise<BucketInfo>;
  /** The same, with what names it among all that ever had its name; undefined where it has no such record. */
  find(bucket: string, signal?: AbortSignal): Promise<KnownBucket>;
  forget(bucket: string): void;
}

interface KnownBucket {
  readonly info: BucketInfo;
  readonly id: string | undefined;
}

export function createBucketBook(
  upstream: Upstream,
  capabilities: Capabilities,
  records: Records,
): BucketBook {
  const known = createBrief({
    read: (bucket) => readBucket(upstream, capabilities, records, bucket),
    kept_ms: LIMITS.upstream_bucket_info_ms,
    entries_max: LIMITS.upstream_bucket_infos_max,
  });
  async function find(bucket: string, signal?: AbortSignal): Promise<KnownBucket> {
    if (bucket === records.bucket) throw noBucket(bucket);
    signal?.throwIfAborted();
    return known.get(bucket);
  }
  return {
    find,
    info: async (bucket, signal) => (await find(bucket, signal)).info,
    forget: known.forget,
  };
}

export function noBucket(bucket: string): StoreError {
  return new StoreError('not_found', `there is no bucket ${bucket}`, { subject: 'bucket' });
}

async function readBucket(
  upstream: Upstream,
  capabilities: Capabilities,
  records: Records,
  bucket: string,
): Promise<KnownBucket> {
  const [head, stored, versioning] = await Promise.all([
    headBucket(upstream, bucket),
    readBucketRecord(records, bucket),
    capabilities.versioning ? readVersioning(upstream, bucket) : ('unversioned' as const),
  ]);
  if (!head) throw noBucket(bucket);
  const object_lock =
    capabilities.object_lock && versioning === 'enabled' && (await readLock(upstream, bucket));
  const { owner = '', region = '', created_at_ms = 0, id } = stored?.record ?? {};
  return { info: { name: bucket, created_at_ms, owner, versioning, object_lock, region }, id };
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
