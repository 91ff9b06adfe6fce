import type { Adapter } from '../../adapters/contract/index.js';
import type { Identity } from '../access/identity.js';
import { S3Error } from './errors.js';
import type { OperationContext } from './operation.js';

/** Who may do what, decided in this one place before an operation runs. */

export interface Wish {
  readonly operation: string;
  readonly bucket: string;
  readonly identity: Identity;
  readonly store: Adapter;
  readonly signal: AbortSignal;
}

/** Open to everyone who has signed. */
const OPEN_TO_IDENTITIES: ReadonlySet<string> = new Set(['ListBuckets', 'CreateBucket']);

/**
 * Root may do all, a bucket's owner may do all in it. Fails with AccessDenied or the store's not_found; undefined when
 * it is allowed without asking the store.
 */
export function authorise(wish: Wish): Promise<void> | undefined {
  const { identity } = wish;
  if (identity.is_root) return undefined;
  if (identity.id === '') throw new S3Error('AccessDenied');
  if (OPEN_TO_IDENTITIES.has(wish.operation)) return undefined;
  return checkOwner(wish);
}

/** The source of a copy lies in another bucket than the one that was authorised. */
export async function authoriseRead(context: OperationContext, bucket: string): Promise<void> {
  if (context.identity.is_root || bucket === context.bucket) return;
  await checkOwner({ ...context, bucket });
}

/** x-amz-expected-bucket-owner: clients make sure that a name has not changed hands. Root is asked too. */
export async function checkExpectedOwner(
  { store, bucket, signal }: Pick<Wish, 'store' | 'bucket' | 'signal'>,
  expected: string | readonly string[],
): Promise<void> {
  if (bucket === '') return;
  const { owner } = await store.headBucket({ bucket, signal });
  if (owner !== expected) throw new S3Error('AccessDenied');
}

async function checkOwner({ store, bucket, identity, signal }: Omit<Wish, 'operation'>): Promise<void> {
  const { owner } = await store.headBucket({ bucket, signal });
  if (owner !== identity.id) throw new S3Error('AccessDenied');
}
