import { DeleteBucketCommand } from '@aws-sdk/client-s3';
import { type BucketAddress, type ErrorKind, StoreError, type UploadInfo } from '../contract/index.js';
import { abortable } from './abortable.js';
import { noBucket } from './bucket-book.js';
import { endBucketRecord, readBucketRecord } from './bucket-records.js';
import type { S3Context } from './context.js';
import { toStoreError } from './errors.js';
import { listObjects } from './list-objects.js';
import { listVersions } from './list-versions.js';
import { allUploads, endUploads } from './uploads.js';

export async function deleteBucket(context: S3Context, input: BucketAddress): Promise<void> {
  const { bucket, signal } = input;
  if (bucket === context.records.bucket) throw noBucket(bucket);
  // Before it is gone: then the name is free, and the record may be another's.
  const stored = await readBucketRecord(context.records, bucket, signal);
  context.buckets.forget(bucket);
  try {
    const left = await removeBucket(context, input);
    const outcomes = await Promise.allSettled([
      endBucketRecord(context, bucket, stored),
      endUploads(context, bucket, left),
    ]);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  } finally {
    context.buckets.forget(bucket);
  }
}

/**
 * Unfinished uploads do not keep a bucket and end with it, but not before the upstream has agreed: to whoever may not
 * delete it, or finds it in use, nothing is lost. Resolves with those that it had: versitygw and Garage remove them with
 * the bucket, MinIO would go on with them in the next one of its name.
 */
async function removeBucket(context: S3Context, input: BucketAddress): Promise<readonly UploadInfo[]> {
  const { versioning, multipart } = context.capabilities;
  const remove = () =>
    context.upstream.sdk.send(new DeleteBucketCommand({ Bucket: input.bucket }), abortable(input));
  if (await holds(versioning ? listVersions : listObjects, context, input)) {
    throw new StoreError('not_empty', 'the bucket is not empty', { subject: 'bucket' });
  }
  const uploads = multipart ? await allUploads(context, input) : [];
  try {
    await remove();
    return uploads;
  } catch (cause) {
    const error = toStoreError(cause);
    if (error.kind !== 'not_empty' || uploads.length === 0) throw error;
    if (await mayHoldObjects(context, input)) throw error;
  }
  await endUploads(context, input.bucket, uploads);
  await remove();
  return [];
}

async function holds(
  list: typeof listVersions | typeof listObjects,
  context: S3Context,
  { bucket, signal }: BucketAddress,
): Promise<boolean> {
  return (await list(context, { bucket, signal, limit: 1 })).entries.length > 0;
}

/** What a server answers that knows of no versions: then it has none. */
const NO_VERSIONS: ReadonlySet<ErrorKind> = new Set(['unsupported', 'invalid', 'delete_marker']);

/** The upstream says so, and may be right: it may keep versions though none are declared. False only where none are seen. */
async function mayHoldObjects(context: S3Context, input: BucketAddress): Promise<boolean> {
  try {
    if (await holds(listObjects, context, input)) return true;
  } catch {
    return true;
  }
  try {
    return await holds(listVersions, context, input);
  } catch (error) {
    return !NO_VERSIONS.has(toStoreError(error).kind);
  }
}
