import { isStoreError, StoreError } from '../contract/index.js';
import type { S3Context } from './context.js';
import { removeDocuments } from './documents.js';
import type { Records } from './records.js';

/** Kept in the reserved bucket, because S3 has no place for it. */
export interface BucketRecord {
  readonly owner: string;
  readonly region: string;
  readonly created_at_ms: number;
  /** Of this bucket among all that ever had its name: what it names cannot be taken for another's. */
  readonly id?: string;
  /** Its creation has begun; whether the bucket is there, the upstream tells. */
  readonly pending?: true;
}

export interface StoredBucketRecord {
  /** Null: of a bucket that was deleted. */
  readonly record: BucketRecord | null;
  readonly etag: string;
}

/**
 * Written over the record of a deleted bucket: every upstream with conditional writes can do that on condition that it is
 * still the same, and many cannot delete so. It stays for good, four bytes for each name: a delete without a condition,
 * however late it is sent, may arrive when another node has just made a bucket of that name, and take its owner with it.
 */
const ENDED = 'null';

/** The folder of all of them. */
export const RECORDS = 'buckets/';
const SUFFIX = '.json';

export const recordName = (bucket: string): string => `${bucket}${SUFFIX}`;
export const bucketOfRecord = (name: string): string => name.slice(0, -SUFFIX.length);

const pathOf = (bucket: string): string => `${RECORDS}${recordName(bucket)}`;

/** Null where there is none. */
export async function readBucketRecord(
  records: Records,
  bucket: string,
  signal?: AbortSignal,
): Promise<StoredBucketRecord | null> {
  const stored = await records.read(pathOf(bucket), signal);
  return stored === null ? null : { record: parseBucketRecord(stored.content), etag: stored.etag };
}

/** Null: of a bucket that was deleted. Fails with corrupt. */
export function parseBucketRecord(content: string): BucketRecord | null {
  try {
    return JSON.parse(content) as BucketRecord | null;
  } catch (cause) {
    throw new StoreError('corrupt', 'the record of a bucket cannot be read', {
      subject: 'bucket',
      cause,
    });
  }
}

/**
 * Returns the new ETag. `if_etag` (null: must not exist) is kept where the upstream has conditional writes:
 * precondition_failed when another writer was first.
 */
export async function writeBucketRecord(
  { records, capabilities }: S3Context,
  bucket: string,
  record: BucketRecord,
  { if_etag, signal }: { readonly if_etag: string | null; readonly signal?: AbortSignal | undefined },
): Promise<string> {
  const condition = capabilities.conditional_put ? { if_etag } : {};
  return records.write(pathOf(bucket), JSON.stringify(record), { signal, ...condition });
}

/** With its documents. Where another node has made a bucket of this name in the meantime, nothing of that is touched. */
export async function endBucketRecord(
  context: S3Context,
  bucket: string,
  stored: StoredBucketRecord | null,
): Promise<void> {
  await removeDocuments(context, bucket, stored?.record?.id);
  if (stored === null || stored.record === null) return;
  const { records, capabilities } = context;
  if (!capabilities.conditional_put) {
    if ((await records.read(pathOf(bucket)))?.etag === stored.etag) await records.remove(pathOf(bucket));
    return;
  }
  try {
    await records.write(pathOf(bucket), ENDED, { if_etag: stored.etag });
  } catch (error) {
    if (!isStoreError(error, 'precondition_failed')) throw error;
  }
}
