import {
  type BucketAddress,
  type BucketInfo,
  type CreateBucketInput,
  type ListBucketsInput,
  type ListBucketsResult,
  type PutVersioningInput,
  StoreError,
  type Usage,
} from '../contract/index.js';
import { abortUploadsOf } from './abort-upload.js';
import type { LocalContext } from './context.js';
import { addDocuments } from './documents.js';
import { bucketKey, successor } from './index/keys.js';
import { type BucketRecord, META } from './index/tables.js';
import type { WriteTransaction } from './index/writer.js';

function bucketInfo(record: BucketRecord): BucketInfo {
  const { id: _id, ...info } = record;
  return info;
}

interface Call {
  readonly signal?: AbortSignal | undefined;
}

export function headBucket(context: LocalContext, input: BucketAddress): BucketInfo {
  return bucketInfo(context.buckets.read(input.bucket));
}

export function usageOf(context: LocalContext, input: Call & { readonly bucket?: string }): Usage {
  return context.usage.read(input.bucket === undefined ? undefined : context.buckets.read(input.bucket).id);
}

export function createBucket(context: LocalContext, input: CreateBucketInput): Promise<BucketInfo> {
  return context.writer.run((transaction) => {
    const existing = context.buckets.find(input.bucket);
    if (existing !== undefined) {
      throw new StoreError('already_exists', `the bucket ${input.bucket} exists`, {
        subject: 'bucket',
        detail: { owner: existing.owner },
      });
    }
    const id = (context.tables.meta.get(META.bucket_id) ?? 0) + 1;
    const record: BucketRecord = {
      id,
      name: input.bucket,
      created_at_ms: transaction.now_ms,
      owner: input.owner,
      versioning: input.object_lock === true ? 'enabled' : 'unversioned',
      object_lock: input.object_lock ?? false,
      region: input.region ?? '',
    };
    void context.tables.meta.put(META.bucket_id, id);
    context.usage.open(id);
    addDocuments(context, id, input.documents ?? {});
    saveBucket(context, transaction, record, 'bucket_created');
    return bucketInfo(record);
  });
}

function saveBucket(
  context: LocalContext,
  transaction: WriteTransaction,
  record: BucketRecord,
  type: 'bucket_created' | 'bucket_changed',
): void {
  context.buckets.set(transaction, record.name, record);
  transaction.change({ sequence: transaction.nextSequence(), type, bucket: record.name });
}

export async function deleteBucket(context: LocalContext, input: BucketAddress): Promise<void> {
  const name = input.bucket;
  await context.writer.run((transaction) => {
    const record = context.buckets.write(name);
    if (!isEmpty(context, record)) {
      throw new StoreError('not_empty', `the bucket ${name} is not empty`, { subject: 'bucket' });
    }
    abortUploadsOf(context, record);
    removeDocuments(context, record);
    context.usage.drop(record.id);
    context.buckets.set(transaction, name, null);
    transaction.change({ sequence: transaction.nextSequence(), type: 'bucket_deleted', bucket: name });
  });
}

function isEmpty(context: LocalContext, bucket: BucketRecord): boolean {
  const start = bucketKey(bucket.id);
  const end = successor(start);
  const range = { start, limit: 1, ...(end && { end }) };
  for (const table of [context.tables.objects, context.tables.versions]) {
    for (const _key of table.getKeys({ ...range })) return false;
  }
  return true;
}

function removeDocuments(context: LocalContext, bucket: BucketRecord): void {
  const start = bucketKey(bucket.id);
  const end = successor(start);
  const keys = [...context.tables.documents.getKeys({ start, ...(end && { end }) })];
  for (const key of keys) void context.tables.documents.remove(key);
}

/** Names come sorted from memory; the page is cut out of them. */
export function listBuckets(context: LocalContext, input: ListBucketsInput): ListBucketsResult {
  const buckets: BucketInfo[] = [];
  const after = input.after === undefined ? undefined : Buffer.from(input.after, 'utf8');
  for (const name of context.buckets.names()) {
    if (input.prefix !== undefined && !name.startsWith(input.prefix)) continue;
    if (after !== undefined && Buffer.compare(Buffer.from(name, 'utf8'), after) <= 0) continue;
    const record = context.buckets.read(name);
    if (input.owner !== undefined && record.owner !== input.owner) continue;
    if (buckets.length === input.limit) return { buckets, next: buckets.at(-1)?.name ?? null };
    buckets.push(bucketInfo(record));
  }
  return { buckets, next: null };
}

export async function putVersioning(context: LocalContext, input: PutVersioningInput): Promise<void> {
  const { versioning } = input;
  await context.writer.run((transaction) => {
    const record = context.buckets.write(input.bucket);
    if (record.object_lock && versioning === 'suspended') {
      throw new StoreError('conflict', 'object lock forbids suspending versioning', { subject: 'bucket' });
    }
    if (input.object_lock === true && record.versioning !== 'enabled') {
      throw new StoreError('conflict', 'object lock needs versioning', { subject: 'bucket' });
    }
    const object_lock = record.object_lock || input.object_lock === true;
    if (record.versioning === versioning && record.object_lock === object_lock) return;
    saveBucket(context, transaction, { ...record, versioning, object_lock }, 'bucket_changed');
  });
}
