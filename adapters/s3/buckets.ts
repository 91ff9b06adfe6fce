import {
  ListBucketsCommand,
  PutBucketVersioningCommand,
  PutObjectLockConfigurationCommand,
} from '@aws-sdk/client-s3';
import {
  type BucketAddress,
  type BucketInfo,
  isTransient,
  type ListBucketsInput,
  type ListBucketsResult,
  type PutVersioningInput,
  StoreError,
} from '../contract/index.js';
import { abortable } from './abortable.js';
import type { S3Context } from './context.js';
import { toStoreError } from './errors.js';
import { isBehind, nextToken } from './listing.js';

export async function headBucket(context: S3Context, { bucket, signal }: BucketAddress): Promise<BucketInfo> {
  return context.buckets.info(bucket, signal);
}

/** Each takes three requests; an upstream may have a thousand buckets. */
const INFOS_AT_ONCE = 32;

export async function listBuckets(context: S3Context, input: ListBucketsInput): Promise<ListBucketsResult> {
  const listed = await listedBuckets(context, input);
  const buckets: BucketInfo[] = [];
  for (let from = 0; from < listed.length; from += INFOS_AT_ONCE) {
    const infos = await Promise.all(
      listed.slice(from, from + INFOS_AT_ONCE).map((bucket) => infoForList(context, bucket)),
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

/**
 * Null: deleted in the meantime. The upstream lists all buckets of an account, also those that this key may not open, that
 * lie in another region, or whose record is broken. Such a bucket must not hide the others; it is shown as nobody's, as
 * the upstream shows it, and opening it tells what is wrong.
 */
async function infoForList(
  context: S3Context,
  { name, created_at_ms }: ListedBucket,
): Promise<BucketInfo | null> {
  try {
    const info = await context.buckets.info(name);
    // Nobody else tells when a bucket was made that has no record of ours.
    return info.created_at_ms === 0 ? { ...info, created_at_ms } : info;
  } catch (cause) {
    const error = toStoreError(cause);
    if (error.kind === 'not_found') return null;
    // The upstream as a whole is in trouble: the list would be full of buckets that are somebody's.
    if (isTransient(error)) throw cause;
    return { name, owner: '', created_at_ms, versioning: 'unversioned', object_lock: false, region: '' };
  }
}

/** As the upstream lists it. */
type ListedBucket = Pick<BucketInfo, 'name' | 'created_at_ms'>;

async function listedBuckets(
  context: S3Context,
  { prefix = '', after, signal }: ListBucketsInput,
): Promise<ListedBucket[]> {
  const listed: ListedBucket[] = [];
  let ContinuationToken: string | undefined;
  do {
    const command = new ListBucketsCommand(ContinuationToken === undefined ? {} : { ContinuationToken });
    const answer = await context.upstream.sdk.send(command, abortable({ signal }));
    for (const { Name: name = '', CreationDate } of answer.Buckets ?? []) {
      if (name === context.records.bucket || !name.startsWith(prefix)) continue;
      const created_at_ms = CreationDate?.getTime() ?? 0;
      if (after === undefined || isBehind(name, after)) listed.push({ name, created_at_ms });
    }
    ContinuationToken = nextToken(answer.ContinuationToken, ContinuationToken);
  } while (ContinuationToken !== undefined);
  return listed.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
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
