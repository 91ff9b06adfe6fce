import type {
  Adapter,
  BucketInfo,
  ListBucketsInput,
  ListBucketsResult,
} from '../../adapters/contract/index.js';
import type { Mounts } from './mounts.js';

interface Page {
  readonly buckets: readonly BucketInfo[];
  readonly complete: boolean;
}

/** The first `limit` buckets of one adapter that are at home there: a name that another mount owns is not shown. */
async function listHome(mounts: Mounts, adapter: Adapter, input: ListBucketsInput): Promise<Page> {
  const buckets: BucketInfo[] = [];
  let after = input.after;
  for (;;) {
    const page = await adapter.listBuckets(after === undefined ? input : { ...input, after });
    for (const bucket of page.buckets)
      if (mounts.find(bucket.name)?.adapter === adapter) buckets.push(bucket);
    if (page.next === null) return { buckets, complete: true };
    if (buckets.length >= input.limit) return { buckets, complete: false };
    after = page.next;
  }
}

/** Bucket names are ASCII: comparing UTF-16 units is comparing bytes. */
function byName(a: BucketInfo, b: BucketInfo): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

/** All mounts' buckets as one ascending list. */
export async function listAllBuckets(mounts: Mounts, input: ListBucketsInput): Promise<ListBucketsResult> {
  const pages = await Promise.all(mounts.adapters.map((adapter) => listHome(mounts, adapter, input)));
  const merged = pages.flatMap(({ buckets }) => buckets).sort(byName);
  const buckets = merged.slice(0, input.limit);
  const more = merged.length > buckets.length || pages.some(({ complete }) => !complete);
  return { buckets, next: more ? (buckets.at(-1)?.name ?? null) : null };
}
