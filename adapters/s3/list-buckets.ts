import type { ListBucketsInput, ListBucketsResult, ListedBucket } from '../contract/index.js';
import { type AccountBucket, accountBuckets } from './account-buckets.js';
import type { S3Context } from './context.js';
import { byBytes, isBehind } from './listing.js';

/** Buckets whose records are looked up together, where only those of one owner are wanted. */
const LOOKED_AT_ONCE = 1_000;

/**
 * The upstream lists all buckets of an account, also those that this key may not open; such a one is shown as the upstream
 * shows it. None is asked for anything: the list would take as long as all of them together.
 */
export async function listBuckets(context: S3Context, input: ListBucketsInput): Promise<ListBucketsResult> {
  const { owner, limit, signal } = input;
  // It would hide in the failures of single buckets, and from who has none yet.
  await context.reserved.ensureNotForeign(context.records.bucket, signal);
  const listed = await listedBuckets(context, input);
  const buckets: ListedBucket[] = [];
  const step = owner === undefined ? limit : LOOKED_AT_ONCE;
  for (let from = 0; from < listed.length; from += step) {
    const next = buckets.at(-1)?.name ?? null;
    if (owner === undefined && buckets.length === limit) return { buckets, next };
    for (const bucket of await withOwners(context, listed.slice(from, from + step), signal)) {
      if (owner !== undefined && bucket.owner !== owner) continue;
      if (buckets.length === limit) return { buckets, next: buckets.at(-1)?.name ?? null };
      buckets.push(bucket);
    }
    signal?.throwIfAborted();
  }
  return { buckets, next: null };
}

async function withOwners(
  context: S3Context,
  listed: readonly AccountBucket[],
  signal: AbortSignal | undefined,
): Promise<ListedBucket[]> {
  const names = listed.map(({ name }) => name);
  const records = await context.listed.of(names, signal);
  return listed.map(({ name, created_at_ms }) => {
    const record = records.get(name);
    return {
      name,
      // Nobody else tells when a bucket was made that has no record of ours.
      created_at_ms: record?.created_at_ms || created_at_ms,
      owner: record?.owner ?? '',
      region: record?.region ?? '',
    };
  });
}

async function listedBuckets(
  context: S3Context,
  { prefix = '', after, signal }: ListBucketsInput,
): Promise<AccountBucket[]> {
  const listed: AccountBucket[] = [];
  for await (const bucket of accountBuckets(context.upstream, signal)) {
    const { name } = bucket;
    if (name === context.records.bucket || !name.startsWith(prefix)) continue;
    if (after === undefined || isBehind(name, after)) listed.push(bucket);
  }
  return listed.sort((a, b) => byBytes(a.name, b.name));
}
