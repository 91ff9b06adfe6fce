import { type Adapter, isStoreError, type Usage } from '../../adapters/contract/index.js';
import { within } from '../../adapters/within.js';
import { LIMITS } from '../../config/limits.js';
import { NO_USAGE } from './usage.js';

/** Counts buckets whose adapter cannot tell what it holds, by listing them. */
export interface ListedUsage {
  /**
   * Latest versions only: older ones and unfinished uploads are not in a listing. A bucket of one page is counted anew
   * each time, a larger one in the background, every `usage_count_kept_ms` at most. Never fails and never waits long:
   * where the home does not answer, what was counted last (`counted_at_ms`, null for never) is as good as it gets.
   */
  of(home: Adapter, bucket: string): Promise<Usage>;
  close(): void;
}

interface Count {
  usage: Usage;
  counted_at_ms: number | null;
  /** More than one page. */
  large: boolean;
  /** The count under way, and when it began. */
  running: Promise<void> | undefined;
  began_at: number;
}

export function createListedUsage(): ListedUsage {
  const counts = new Map<string, Count>();
  const closing = new AbortController();

  const countOf = (bucket: string): Count => {
    const known = counts.get(bucket);
    if (known !== undefined) return known;
    if (counts.size >= LIMITS.usage_counts_max) counts.clear();
    const fresh = { usage: NO_USAGE, counted_at_ms: null, large: false, running: undefined, began_at: 0 };
    counts.set(bucket, fresh);
    return fresh;
  };

  const run = async (home: Adapter, bucket: string, count: Count): Promise<void> => {
    try {
      await walk(home, bucket, count, closing.signal);
    } catch (error) {
      // Whoever reads or writes there is told why; a count has nobody to tell.
      if (isStoreError(error, 'not_found')) counts.delete(bucket);
    } finally {
      count.running = undefined;
    }
  };

  const begin = (home: Adapter, bucket: string, count: Count): void => {
    count.began_at = performance.now();
    count.running = run(home, bucket, count);
  };

  return {
    async of(home, bucket) {
      const asked_at = performance.now();
      const count = countOf(bucket);
      const told = () => ({ ...count.usage, counted_at_ms: count.counted_at_ms });
      if (count.running !== undefined && !count.large) {
        // It may have missed what was written just before this call.
        await within(LIMITS.usage_count_wait_ms_max, count.running);
        if (count.running !== undefined) return told();
      }
      const known = count.large && count.counted_at_ms !== null;
      const stale = !known || Date.now() - (count.counted_at_ms ?? 0) > LIMITS.usage_count_kept_ms;
      if (count.running === undefined && count.began_at < asked_at && stale) begin(home, bucket, count);
      if (count.running !== undefined && !known) await within(LIMITS.usage_count_wait_ms_max, count.running);
      return told();
    },
    close: () => closing.abort(),
  };
}

async function walk(home: Adapter, bucket: string, count: Count, signal: AbortSignal): Promise<void> {
  const limit = Math.min(LIMITS.usage_count_page_count, home.capabilities.list_limit_max);
  const first_time = count.counted_at_ms === null;
  let [objects_count, objects_bytes] = [0, 0];
  for (let after: string | null | undefined, pages = 1; after !== null; pages++) {
    const page = await home.listObjects({ bucket, limit, signal, ...(after !== undefined && { after }) });
    for (const entry of page.entries) {
      if (entry.type !== 'item') continue;
      objects_count++;
      objects_bytes += entry.item.size_bytes;
    }
    count.large = pages > 1 || page.next !== null;
    after = pages < LIMITS.usage_count_pages_max ? page.next : null;
    const usage = {
      objects_count,
      objects_bytes,
      versions_count: objects_count,
      stored_bytes: objects_bytes,
    };
    // Of a first count, a part is better than nothing.
    if (after === null || first_time) count.usage = usage;
  }
  count.counted_at_ms = Date.now();
}
