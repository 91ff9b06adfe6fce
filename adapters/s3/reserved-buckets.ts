import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { LIMITS } from '../../config/limits.js';
import { isStoreError, isTransient, StoreError } from '../contract/index.js';
import { abortable, orAborted } from './abortable.js';
import { accountBuckets } from './account-buckets.js';
import { isCredentialRefusal, toStoreError } from './errors.js';
import type { Upstream } from './upstream.js';

/**
 * Buckets upstream that only this software uses, under names that anybody can read here. Where strangers share the names,
 * one of them may have such a bucket already, open to the world, and would own whatever he writes there: so nothing is
 * read from it or written to it before it is known to be this account's. That is asked once.
 */
export interface ReservedBuckets {
  has(bucket: string): boolean;
  /** Makes it where that is how to find out; fails with `access_denied`, and says so, where it is another's. */
  ensureOurs(bucket: string, signal?: AbortSignal): Promise<void>;
  /** The same, but one that nobody has stays like that. */
  ensureNotForeign(bucket: string, signal?: AbortSignal): Promise<void>;
  /** It is gone, or was never there. */
  create(bucket: string, signal?: AbortSignal): Promise<void>;
}

export interface ReservedBucketsOptions {
  readonly upstream: Upstream;
  readonly global_bucket_names: boolean;
  /** The keys of the configuration that name them. */
  readonly names: ReadonlyMap<string, string>;
}

interface Proof {
  readonly answer: Promise<void>;
  readonly until_ms: number;
}

export function createReservedBuckets(options: ReservedBucketsOptions): ReservedBuckets {
  const { upstream, global_bucket_names, names } = options;
  const proofs = new Map<string, Proof>();

  function remember(bucket: string, answer: Promise<void>): Promise<void> {
    const proof = { answer, until_ms: Number.POSITIVE_INFINITY };
    proofs.set(bucket, proof);
    answer.catch((error: unknown) => {
      if (proofs.get(bucket) !== proof) return;
      // Whoever is told to mend it need not start the node again.
      const kept_ms = isStoreError(error) && isForeignBucket(error) ? LIMITS.upstream_foreign_bucket_ms : 0;
      proofs.set(bucket, { answer, until_ms: performance.now() + kept_ms });
    });
    return answer;
  }

  const known = (bucket: string): Promise<void> | undefined => {
    const proof = proofs.get(bucket);
    return proof !== undefined && proof.until_ms > performance.now() ? proof.answer : undefined;
  };

  /** Creating it in us-east-1 anew would reset its access control lists, so what is listed is not created. */
  async function prove(bucket: string): Promise<void> {
    if (!(await isListed(upstream, bucket))) await createOurs(bucket);
  }

  async function createOurs(bucket: string, signal?: AbortSignal): Promise<void> {
    const key = names.get(bucket) ?? 'the configuration';
    try {
      await sendCreate(upstream, bucket, signal);
    } catch (cause) {
      const error = toStoreError(cause);
      // 200 in us-east-1, and in Ceph.
      if (error.detail.code === 'BucketAlreadyOwnedByYou') return;
      if (isTransient(error) || isCredentialRefusal(error)) throw error;
      // Another node of ours may be making it.
      if (error.kind === 'conflict') throw asForNow(error);
      const why =
        error.kind === 'already_exists'
          ? `the bucket ${bucket} belongs to another account: give ${key} a name that nobody else has`
          : `whether the bucket ${bucket} is this account's cannot be told: its key may neither list nor make buckets (${error.message}); allow it either, or give ${key} another name`;
      throw new StoreError('access_denied', why, { subject: 'adapter', detail: { bucket }, cause });
    }
  }

  async function ensureOurs(bucket: string, signal?: AbortSignal): Promise<void> {
    if (!global_bucket_names) return;
    await orAborted(known(bucket) ?? remember(bucket, prove(bucket)), signal);
  }

  return {
    has: (bucket) => names.has(bucket),
    ensureOurs,
    async ensureNotForeign(bucket, signal) {
      if (!global_bucket_names) return;
      if (known(bucket) === undefined && !(await isThere(upstream, bucket, signal))) return;
      await ensureOurs(bucket, signal);
    },
    async create(bucket, signal) {
      if (global_bucket_names) await orAborted(remember(bucket, createOurs(bucket)), signal);
      else await sendCreate(upstream, bucket, signal).catch(orExists);
    },
  };
}

/** Whether an error says that a reserved bucket is another's, or may be. */
function isForeignBucket(error: StoreError): boolean {
  return error.kind === 'access_denied' && typeof error.detail.bucket === 'string';
}

async function isListed(upstream: Upstream, bucket: string): Promise<boolean> {
  try {
    for await (const { name } of accountBuckets(upstream, undefined)) if (name === bucket) return true;
    return false;
  } catch (cause) {
    const error = toStoreError(cause);
    // Not every key may list.
    if (isTransient(error)) throw error;
    return false;
  }
}

async function isThere(
  upstream: Upstream,
  bucket: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    await upstream.sendForText({ method: 'HEAD', bucket, signal });
    return true;
  } catch (cause) {
    const error = toStoreError(cause);
    if (isTransient(error)) throw error;
    return !isStoreError(error, 'not_found');
  }
}

async function sendCreate({ sdk }: Upstream, bucket: string, signal: AbortSignal | undefined): Promise<void> {
  // The SDK names the region, without which AWS refuses in all but one.
  await sdk.send(new CreateBucketCommand({ Bucket: bucket }), abortable({ signal }));
}

function orExists(cause: unknown): void {
  const error = toStoreError(cause);
  if (!isStoreError(error, 'already_exists') && !isStoreError(error, 'conflict')) throw error;
}

function asForNow({ message, subject, detail }: StoreError): StoreError {
  return new StoreError('unavailable', message, { subject, detail });
}
