import {
  CreateBucketCommand,
  DeleteBucketCommand,
  ListBucketsCommand,
  PutBucketVersioningCommand,
  PutObjectLockConfigurationCommand,
} from '@aws-sdk/client-s3';
import {
  type BucketAddress,
  type BucketInfo,
  type CreateBucketInput,
  isStoreError,
  type ListBucketsInput,
  type ListBucketsResult,
  type PutVersioningInput,
  StoreError,
} from '../contract/index.js';
import { abortable } from './abortable.js';
import { type BucketRecord, bucketRecordPath, noBucket } from './bucket-book.js';
import type { S3Context } from './context.js';
import { removeDocuments } from './documents.js';
import { toStoreError } from './errors.js';
import { listObjects } from './list-objects.js';
import { listVersions } from './list-versions.js';
import { isBehind, nextToken } from './listing.js';
import { abortAll } from './uploads.js';

/**
 * The upstream decides who is first, and where it lets one account create a bucket twice (AWS in us-east-1), the record
 * of the owner does: it is written on condition that it is what it was before the bucket was seen not to be there. A
 * bucket without a record belongs to nobody.
 */
export async function createBucket(context: S3Context, input: CreateBucketInput): Promise<BucketInfo> {
  const { bucket, owner, region = '', object_lock, signal } = input;
  const { records, buckets, upstream } = context;
  if (bucket === records.bucket) throw taken('');
  // Of a bucket that others deleted.
  const left = await records.read(bucketRecordPath(bucket), signal);
  buckets.forget(bucket);
  await refuseExisting(context, input);
  try {
    await upstream.sdk.send(
      new CreateBucketCommand({
        Bucket: bucket,
        ...(object_lock === true ? { ObjectLockEnabledForBucket: true } : {}),
      }),
      abortable(input),
    );
  } catch (cause) {
    const error = toStoreError(cause);
    if (!isStoreError(error, 'already_exists')) throw error;
    throw await takenByOther(context, input);
  }
  const record: BucketRecord = { owner, region, created_at_ms: Math.floor(Date.now() / 1000) * 1000 };
  await writeFirst(context, input, record, left?.etag ?? null);
  await removeDocuments(context, bucket);
  buckets.forget(bucket);
  return buckets.info(bucket, signal);
}

/** Fails where another has written the record in the meantime. */
async function writeFirst(
  context: S3Context,
  input: BucketAddress,
  record: BucketRecord,
  if_etag: string | null,
): Promise<void> {
  const path = bucketRecordPath(input.bucket);
  const condition = context.capabilities.conditional_put ? { if_etag } : {};
  try {
    await context.records.write(path, JSON.stringify(record), { signal: input.signal, ...condition });
  } catch (error) {
    if (!isStoreError(error, 'precondition_failed')) throw error;
    const removed = if_etag !== null && (await context.records.read(path, input.signal)) === null;
    if (!removed) throw await takenByOther(context, input);
    await writeFirst(context, input, record, null);
  }
}

async function takenByOther(context: S3Context, input: BucketAddress): Promise<StoreError> {
  context.buckets.forget(input.bucket);
  await refuseExisting(context, input);
  return taken('');
}

async function refuseExisting(context: S3Context, { bucket, signal }: BucketAddress): Promise<void> {
  try {
    throw taken((await context.buckets.info(bucket, signal)).owner);
  } catch (error) {
    if (!isStoreError(error, 'not_found')) throw error;
  }
}

function taken(owner: string): StoreError {
  return new StoreError('already_exists', 'the bucket exists', { subject: 'bucket', detail: { owner } });
}

export async function headBucket(context: S3Context, { bucket, signal }: BucketAddress): Promise<BucketInfo> {
  return context.buckets.info(bucket, signal);
}

export async function deleteBucket(context: S3Context, input: BucketAddress): Promise<void> {
  const { bucket } = input;
  if (bucket === context.records.bucket) throw noBucket(bucket);
  context.buckets.forget(bucket);
  try {
    await removeBucket(context, input);
  } finally {
    context.buckets.forget(bucket);
  }
  await removeDocuments(context, bucket);
  await context.records.remove(bucketRecordPath(bucket));
}

/** Unfinished uploads do not keep a bucket: where the upstream thinks so, they are aborted first. */
async function removeBucket(context: S3Context, input: BucketAddress): Promise<void> {
  const remove = () =>
    context.upstream.sdk.send(new DeleteBucketCommand({ Bucket: input.bucket }), abortable(input));
  if (!(await isEmpty(context, input))) {
    throw new StoreError('not_empty', 'the bucket is not empty', { subject: 'bucket' });
  }
  if (context.capabilities.multipart) await abortAll(context, input);
  await remove();
}

async function isEmpty(context: S3Context, input: BucketAddress): Promise<boolean> {
  const page = { ...input, limit: 1 };
  const { entries } = await (context.capabilities.versioning
    ? listVersions(context, page)
    : listObjects(context, page));
  return entries.length === 0;
}

/** Each takes three requests; an upstream may have a thousand buckets. */
const INFOS_AT_ONCE = 32;

export async function listBuckets(context: S3Context, input: ListBucketsInput): Promise<ListBucketsResult> {
  const names = await bucketNames(context, input);
  const buckets: BucketInfo[] = [];
  for (let from = 0; from < names.length; from += INFOS_AT_ONCE) {
    const infos = await Promise.all(
      names.slice(from, from + INFOS_AT_ONCE).map((name) => context.buckets.info(name).catch(asAbsent)),
    );
    for (const info of infos) {
      if (info === null || (input.owner !== undefined && info.owner !== input.owner)) continue;
      if (buckets.length === input.limit) return { buckets, next: buckets.at(-1)?.name ?? null };
      buckets.push(info);
    }
    input.signal?.throwIfAborted();
  }
  return { buckets, next: null };
}

/** Deleted in the meantime. */
function asAbsent(error: unknown): null {
  if (isStoreError(error, 'not_found')) return null;
  throw error;
}

async function bucketNames(
  context: S3Context,
  { prefix = '', after, signal }: ListBucketsInput,
): Promise<string[]> {
  const names: string[] = [];
  let ContinuationToken: string | undefined;
  do {
    const command = new ListBucketsCommand(ContinuationToken === undefined ? {} : { ContinuationToken });
    const answer = await context.upstream.sdk.send(command, abortable({ signal }));
    for (const { Name = '' } of answer.Buckets ?? []) {
      if (Name === context.records.bucket || !Name.startsWith(prefix)) continue;
      if (after === undefined || isBehind(Name, after)) names.push(Name);
    }
    ContinuationToken = nextToken(answer.ContinuationToken, ContinuationToken);
  } while (ContinuationToken !== undefined);
  return names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

export async function putVersioning(context: S3Context, input: PutVersioningInput): Promise<void> {
  const { bucket, versioning, object_lock } = input;
  const { sdk } = context.upstream;
  const before = await context.buckets.info(bucket, input.signal);
  if (before.object_lock && versioning === 'suspended')
    throw conflict('versioning cannot be suspended under object lock');
  if (object_lock === true && before.versioning !== 'enabled') throw conflict('object lock needs versioning');
  try {
    await sdk.send(
      new PutBucketVersioningCommand({
        Bucket: bucket,
        VersioningConfiguration: { Status: versioning === 'enabled' ? 'Enabled' : 'Suspended' },
      }),
      abortable(input),
    );
    if (object_lock !== true) return;
    const ObjectLockConfiguration = { ObjectLockEnabled: 'Enabled' } as const;
    await sdk.send(
      new PutObjectLockConfigurationCommand({ Bucket: bucket, ObjectLockConfiguration }),
      abortable(input),
    );
  } finally {
    context.buckets.forget(bucket);
  }
}

function conflict(message: string): StoreError {
  return new StoreError('conflict', message, { subject: 'bucket' });
}
