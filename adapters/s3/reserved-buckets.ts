import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { LIMITS } from '../../config/limits.js';
import { isStoreError, isTransient, StoreError } from '../contract/index.js';
import { abortable, orAborted } from './abortable.js';
import { accountBuckets } from './account-buckets.js';
import { isCredentialRefusal, toStoreError } from './errors.js';
import type { Habits } from './providers.js';
import type { Upstream } from './upstream.js';

/**
 * Buckets upstream that only this software uses, under names that anybody can read here. Where strangers share the names,
 * one of them may have such a bucket already, open to the world, and would own whatever he writes there: so nothing that
 * is read from it is believed, and nothing is written to it, before it is known to be this account's. That is asked once.
 */
export interface ReservedBuckets {
  has(bucket: string): boolean;
  /** Makes it where that is how to find out; fails with `access_denied`, and says so, where it is another's. */
  ensureOurs(bucket: string, signal?: AbortSignal): Promise<void>;
  /** The same, but one that nobody has stays like that. */
  ensureNotForeign(bucket: string, signal?: AbortSignal): Promise<void>;
  /** It is gone: the next one of its name may be a stranger's. */
  forget(bucket: string): void;
  /** It is gone, or was never there. */
  create(bucket: string, signal?: AbortSignal): Promise<void>;
}

export interface ReservedBucketsOptions {
  readonly upstream: Upstream;
  readonly habits: Pick<Habits, 'global_bucket_names' | 'lists_foreign_buckets'>;
  /** The keys of the configuration that name them. */
  readonly names: ReadonlyMap<string, string>;
}

interface Proof {
  readonly answer: Promise<void>;
  readonly until_ms: number;
}

export function createReservedBuckets(options: ReservedBucketsOptions): ReservedBuckets {
  const { upstream, names } = options;
  const { global_bucket_names, lists_foreign_buckets } = options.habits;
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

  async function prove(bucket: string): Promise<void> {
    const refusal = await refusalToCreate(upstream, bucket);
    if (refusal === null) return;
    const is_told = refusal.kind === 'already_exists' && lists_foreign_buckets;
    if (!is_told && (await isListed(upstream, bucket))) return;
    const key = names.get(bucket) ?? 'the configuration';
    const why =
      refusal.kind === 'already_exists'
        ? `the bucket ${bucket} belongs to another account: give ${key} a name that nobody else has`
        : `nothing tells whether the bucket ${bucket} is this account's: it can be neither made nor found among the buckets that the access key may list (${refusal.message}); allow either, or give ${key} another name`;
    const detail = { bucket };
    throw new StoreError('access_denied', why, { subject: 'adapter', detail, cause: refusal });
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
    forget: (bucket) => void proofs.delete(bucket),
    async create(bucket, signal) {
      if (global_bucket_names) await orAborted(remember(bucket, prove(bucket)), signal);
      else await sendCreate(upstream, bucket, signal).catch(orExists);
    },
  };
}

/** Whether an error says that a reserved bucket is another's, or may be. */
function isForeignBucket(error: StoreError): boolean {
  return error.kind === 'access_denied' && typeof error.detail.bucket === 'string';
}

/** Null: it is this account's, since now or before. Fails where that can be told later. */
async function refusalToCreate(upstream: Upstream, bucket: string): Promise<StoreError | null> {
  try {
    // In us-east-1, and in Ceph, it succeeds with one that is there.
    await sendCreate(upstream, bucket, undefined);
    return null;
  } catch (cause) {
    const error = toStoreError(cause);
    if (error.detail.code === 'BucketAlreadyOwnedByYou') return null;
    if (isTransient(error) || isCredentialRefusal(error)) throw error;
    // Another node of ours may be making it.
    if (error.kind === 'conflict') throw asForNow(error);
    return error;
  }
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
