import { randomUUID } from 'node:crypto';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import {
  type BucketInfo,
  type CreateBucketInput,
  isStoreError,
  isTransient,
  StoreError,
} from '../contract/index.js';
import { abortable } from './abortable.js';
import {
  type BucketRecord,
  endBucketRecord,
  readBucketRecord,
  type StoredBucketRecord,
  writeBucketRecord,
} from './bucket-records.js';
import type { S3Context } from './context.js';
import { addDocuments, removeDocuments } from './documents.js';
import { toStoreError } from './errors.js';
import { endUploads } from './uploads.js';

/** What stands in place of the record while the bucket is made. */
interface Reservation {
  readonly etag: string | null;
  /** Somebody else's creation had begun: the bucket may be theirs, and becomes that of whose record is there last. */
  readonly contested: boolean;
}

/**
 * The record decides who is first: some upstreams let one account create a bucket twice (AWS in us-east-1). It is written
 * as pending before the bucket is made, so that no bucket is ever seen with the record or the documents of an older one,
 * and a node that ends in between leaves one whose owner is known; then it is confirmed, on condition that it is still
 * the same. Documents come before the bucket, so that no answer of success is without them. A bucket without a record belongs
 * to nobody.
 */
export async function createBucket(context: S3Context, input: CreateBucketInput): Promise<BucketInfo> {
  const { bucket, owner, region = '', signal } = input;
  const { records, buckets } = context;
  if (bucket === records.bucket) throw taken('');
  // Before the look at the bucket: whoever makes it after that look changes this.
  const left = await readBucketRecord(records, bucket, signal);
  buckets.forget(bucket);
  const existing = await infoOf(context, input);
  const created_at_ms = Math.floor(Date.now() / 1000) * 1000;
  if (existing !== null) {
    // It may have been made while it was looked at, and its record not yet.
    buckets.forget(bucket);
    if (left === null || !isUnfinished(context, input, left, existing)) throw taken(existing.owner);
    const { record } = left;
    await addDocuments(context, input, record?.id);
    return confirm(context, input, { ...record, owner, region, created_at_ms }, left.etag);
  }
  const record: BucketRecord = { owner, region, created_at_ms, id: randomUUID() };
  const reservation = await reserve(context, input, record, left);
  try {
    await addDocuments(context, input, record.id);
  } catch (error) {
    await giveUp(context, input, record, reservation).catch(() => undefined);
    throw error;
  }
  await makeBucket(context, input, record, reservation);
  return confirm(context, input, record, reservation.etag);
}

/** A creation by the same owner that was not confirmed: its node ended, or the answer to it was lost. */
function isUnfinished(
  { capabilities }: S3Context,
  { owner, object_lock = false }: CreateBucketInput,
  { record }: StoredBucketRecord,
  existing: BucketInfo,
): boolean {
  if (!capabilities.conditional_put || record?.pending !== true) return false;
  return record.owner === owner && existing.object_lock === object_lock;
}

/** Fails where another has written the record since it was read. */
async function reserve(
  context: S3Context,
  input: CreateBucketInput,
  record: BucketRecord,
  left: StoredBucketRecord | null,
): Promise<Reservation> {
  const { bucket, signal } = input;
  if (!context.capabilities.conditional_put) {
    // The upstream alone decides: who is not first must not have written a record.
    await endBucketRecord(context, bucket, left);
    return { etag: null, contested: false };
  }
  try {
    const if_etag = left?.etag ?? null;
    const etag = await writeBucketRecord(context, bucket, { ...record, pending: true }, { if_etag, signal });
    if (left?.record) await removeRest(context, bucket, left.record);
    return { etag, contested: left?.record?.pending === true };
  } catch (error) {
    if (!isStoreError(error, 'precondition_failed')) throw error;
    const now = await readBucketRecord(context.records, bucket, signal);
    const was_ended = left !== null && left.record !== null && (now === null || now.record === null);
    if (!was_ended) throw await takenByOther(context, input);
    // Once at most: what is left now is no record that could end.
    return reserve(context, input, record, now);
  }
}

/** Of a bucket that is gone, though its record is not: nothing is left that could name what belonged to it. */
async function removeRest(context: S3Context, bucket: string, record: BucketRecord): Promise<void> {
  await removeDocuments(context, bucket, record.id);
  // One whose creation was not confirmed may be there by now, with uploads that go on.
  if (record.pending === true || !context.capabilities.multipart) return;
  const uploads = await context.uploads.list(bucket);
  await endUploads(
    context,
    bucket,
    uploads.map(({ info }) => info),
  );
}

/** The bucket was certainly not made by this call. */
async function giveUp(
  context: S3Context,
  { bucket, documents = {} }: CreateBucketInput,
  record: BucketRecord,
  { etag, contested }: Reservation,
): Promise<void> {
  if (etag !== null && !contested) await endBucketRecord(context, bucket, { record, etag });
  if (etag === null && Object.keys(documents).length > 0) await removeDocuments(context, bucket, record.id);
}

async function makeBucket(
  context: S3Context,
  input: CreateBucketInput,
  record: BucketRecord,
  reservation: Reservation,
): Promise<void> {
  const lock = input.object_lock === true ? { ObjectLockEnabledForBucket: true } : {};
  try {
    const command = new CreateBucketCommand({ Bucket: input.bucket, ...lock });
    await context.upstream.sdk.send(command, abortable(input));
  } catch (cause) {
    const error = toStoreError(cause);
    const exists = isStoreError(error, 'already_exists');
    if (exists && reservation.contested && (await isAsAsked(context, input))) return;
    // What may have arrived is found as pending by its repeat.
    const uncertain = isTransient(error) || error.kind === 'unexpected';
    if (!uncertain) await giveUp(context, input, record, reservation);
    throw exists ? await takenByOther(context, input) : error;
  }
}

/** Whoever asked for locks must not be given the bucket that another made without them, nor the other way round. */
async function isAsAsked(context: S3Context, input: CreateBucketInput): Promise<boolean> {
  context.buckets.forget(input.bucket);
  return (await infoOf(context, input))?.object_lock === (input.object_lock ?? false);
}

async function confirm(
  context: S3Context,
  input: CreateBucketInput,
  { pending: _, ...record }: BucketRecord,
  if_etag: string | null,
): Promise<BucketInfo> {
  const { bucket, signal } = input;
  try {
    await writeBucketRecord(context, bucket, record, { if_etag, signal });
  } catch (error) {
    if (isStoreError(error, 'precondition_failed')) throw await takenByOther(context, input);
    throw error;
  }
  context.buckets.forget(bucket);
  return context.buckets.info(bucket, signal);
}

async function takenByOther(context: S3Context, input: CreateBucketInput): Promise<StoreError> {
  context.buckets.forget(input.bucket);
  return taken((await infoOf(context, input))?.owner ?? '');
}

async function infoOf(context: S3Context, { bucket, signal }: CreateBucketInput): Promise<BucketInfo | null> {
  try {
    return await context.buckets.info(bucket, signal);
  } catch (error) {
    if (isStoreError(error, 'not_found')) return null;
    throw error;
  }
}

function taken(owner: string): StoreError {
  return new StoreError('already_exists', 'the bucket exists', { subject: 'bucket', detail: { owner } });
}
