import {
  type ListBucketsInput,
  type ListBucketsResult,
  type ListedBucket,
  StoreError,
} from '../../adapters/contract/index.js';
import type { MountHealth } from './mount-health.js';
import type { Home, Mounts } from './mounts.js';

interface Page {
  readonly buckets: readonly ListedBucket[];
  readonly complete: boolean;
}

/**
 * Mounts that see an adapter's buckets under the same names are listed once. Where the first of them is down, so are the
 * others: they lie in the same adapter.
 */
function listedHomes({ homes }: Mounts): Home[][] {
  const groups: Home[][] = [];
  for (const home of homes) {
    const group = groups.find(([first]) => first?.view === home.view);
    if (group === undefined) groups.push([home]);
    else group.push(home);
  }
  return groups;
}

/**
 * What the names begin with that are asked for and may be at home there; undefined where there are none. An upstream may
 * have many other buckets, whose owners would be looked up.
 */
function namePrefix(group: readonly Home[], asked = ''): string | undefined {
  const heads = group.map(({ pattern }) => pattern.split('*', 1)[0] ?? '');
  const narrower = heads.filter((head) => head.startsWith(asked));
  if (heads.some((head) => asked.startsWith(head))) return asked;
  return narrower.length === 1 ? narrower[0] : narrower.length === 0 ? undefined : asked;
}

/** The first `limit` buckets of one view that are at home there: a name that another mount owns is not shown. */
async function listHome(mounts: Mounts, group: readonly Home[], input: ListBucketsInput): Promise<Page> {
  const buckets: ListedBucket[] = [];
  const [first] = group;
  if (first === undefined) return { buckets, complete: true };
  let { after } = input;
  for (;;) {
    const page = await first.view.listBuckets({
      ...input,
      ...(after !== undefined && { after }),
    });
    for (const bucket of page.buckets) {
      const home = mounts.find(bucket.name);
      if (home !== undefined && group.includes(home)) buckets.push(bucket);
    }
    if (page.next === null) return { buckets, complete: true };
    if (buckets.length >= input.limit) return { buckets, complete: false };
    after = page.next;
  }
}

/** Bucket names are ASCII: comparing UTF-16 units is comparing bytes. */
function byName(a: ListedBucket, b: ListedBucket): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

function merged(pages: readonly Page[], limit: number): ListBucketsResult {
  const all = pages.flatMap(({ buckets }) => buckets).sort(byName);
  const buckets = all.slice(0, limit);
  const more = all.length > buckets.length || pages.some(({ complete }) => !complete);
  return { buckets, next: more ? (buckets.at(-1)?.name ?? null) : null };
}

/**
 * All mounts' buckets as one ascending list. A mount that fails or does not answer in time is left out, and named, so
 * that it does not take the others with it; where there is nothing else, its failure is the answer.
 */
export async function listAllBuckets(
  mounts: Mounts,
  health: MountHealth,
  input: ListBucketsInput,
): Promise<ListBucketsResult> {
  const groups = listedHomes(mounts).flatMap((homes) => {
    const prefix = namePrefix(homes, input.prefix);
    return prefix === undefined ? [] : [{ homes, input: prefix === '' ? input : { ...input, prefix } }];
  });
  const [alone] = groups;
  if (alone !== undefined && groups.length === 1)
    return merged([await listHome(mounts, alone.homes, alone.input)], input.limit);
  const outcomes = await Promise.all(
    groups.map(async ({ homes, input }) => {
      const patterns = homes.map(({ pattern }) => pattern);
      try {
        return await health.watch(patterns, () => listHome(mounts, homes, input));
      } catch (error) {
        input.signal?.throwIfAborted();
        if (!(error instanceof StoreError)) throw error;
        return { error, patterns };
      }
    }),
  );
  const pages = outcomes.flatMap((outcome) => ('error' in outcome ? [] : [outcome]));
  const failures = outcomes.flatMap((outcome) => ('error' in outcome ? [outcome] : []));
  const [failure] = failures;
  if (failure === undefined) return merged(pages, input.limit);
  if (pages.length === 0) throw failure.error;
  return {
    ...merged(pages, input.limit),
    unavailable_mounts: failures.flatMap(({ patterns }) => patterns),
  };
}
