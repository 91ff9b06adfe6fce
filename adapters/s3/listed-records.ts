import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { LIMITS } from '../../config/limits.js';
import { isTransient } from '../contract/index.js';
import {
  type BucketRecord,
  bucketOfRecord,
  parseBucketRecord,
  RECORDS,
  recordName,
} from './bucket-records.js';
import { toStoreError } from './errors.js';
import { byBytes } from './listing.js';
import type { Records } from './records.js';

/**
 * Records of many buckets. Their ETags come by the thousand in a listing of the reserved bucket, and a record that was read
 * once is good as long as its ETag is: a list of buckets costs reads of what is new, and of nothing else.
 */
export interface ListedRecords {
  /** Of buckets that are there. Those that have none, or one that cannot be read, are left out. Fails as a whole for what passes. */
  of(buckets: readonly string[], signal?: AbortSignal): Promise<ReadonlyMap<string, BucketRecord>>;
}

/** So few are read without a listing: all at once is sooner than one after the other. */
const UNLISTED_MAX = 16;

/** A page with fewer of those that are asked for (most others are of deleted buckets) costs more than reading these. */
const PAGE_WORTH = 64;

/** A quarter of the connections to an upstream is left to others. */
const READS_AT_ONCE = (LIMITS.upstream_connections_max / 4) * 3;

type Found = BucketRecord | null;

interface Known {
  readonly etag: string;
  readonly record: Promise<Found>;
}

/** `md5_etags`: those of records are the MD5 of their content. Elsewhere they are believed. */
export function createListedRecords(records: Records, md5_etags: boolean): ListedRecords {
  const known = new LRUCache<string, Known>({ max: LIMITS.upstream_listed_records_max });

  /** The ETag is null where another has to be asked for next time. */
  async function read(bucket: string): Promise<{ readonly record: Found; readonly etag: string | null }> {
    try {
      const stored = await records.read(`${RECORDS}${recordName(bucket)}`);
      if (stored === null) return { record: null, etag: null };
      // A read that meets an overwrite may get the bytes of one and the ETag of the other (versitygw).
      const sure = !md5_etags || createHash('md5').update(stored.content).digest('hex') === stored.etag;
      return { record: parseBucketRecord(stored.content), etag: sure ? stored.etag : null };
    } catch (cause) {
      const error = toStoreError(cause);
      // The upstream as a whole is in trouble: the list would be full of buckets that are somebody's.
      if (isTransient(error)) throw error;
      // It must not hide the others: its bucket is shown as nobody's, and opening it tells what is wrong.
      return { record: null, etag: null };
    }
  }

  /** Shared with all who ask for it meanwhile, so it is nobody's to abort. */
  function recordOf(bucket: string, etag: string): Promise<Found> {
    const cached = known.get(bucket);
    if (cached?.etag === etag) return cached.record;
    const reading = read(bucket);
    const entry: Known = { etag, record: reading.then(({ record }) => record) };
    const forget = () => {
      if (known.peek(bucket) === entry) known.delete(bucket);
    };
    known.set(bucket, entry);
    reading.then((told) => {
      if (told.etag !== etag) forget();
    }, forget);
    return entry.record;
  }

  return {
    async of(buckets, signal) {
      const etags = buckets.length <= UNLISTED_MAX ? null : await listEtags(records, buckets, signal);
      const found = new Map<string, BucketRecord>();
      await inTurns(buckets, async (bucket) => {
        signal?.throwIfAborted();
        const etag = etags?.get(bucket);
        if (etag === null) return;
        const record = etag === undefined ? (await read(bucket)).record : await recordOf(bucket, etag);
        if (record !== null) found.set(bucket, record);
      });
      return found;
    },
  };
}

/** Null: there is no record. Buckets that are not in it were not looked for. */
type Etags = ReadonlyMap<string, string | null>;

async function listEtags(
  records: Records,
  buckets: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Etags> {
  const etags = new Map<string, string | null>();
  const wanted = buckets.map(recordName).sort(byBytes);
  let at = 0;
  let behind = '';
  while (at < wanted.length) {
    // Just before the first that is wanted: a name stands before all that begin with it.
    const first = bucketOfRecord(wanted[at] ?? '');
    const after = byBytes(first, behind) > 0 ? first : behind;
    const page = await records.listSome(RECORDS, after, LIMITS.list_keys_max, signal).catch(orNothing);
    if (page === null) return etags;
    const listed = new Map(page.entries.map(({ name, etag }) => [name, etag]));
    const from = at;
    for (; at < wanted.length; at++) {
      const name = wanted[at] ?? '';
      if (page.next !== null && byBytes(name, page.next) > 0) break;
      etags.set(bucketOfRecord(name), listed.get(name) ?? null);
    }
    if (at - from < PAGE_WORTH) return etags;
    behind = page.next ?? '';
  }
  return etags;
}

/** A key that may not list the reserved bucket may read it. */
function orNothing(cause: unknown): null {
  const error = toStoreError(cause);
  if (isTransient(error)) throw error;
  return null;
}

async function inTurns<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const left = items.values();
  const turns = Array.from({ length: Math.min(READS_AT_ONCE, items.length) }, async () => {
    for (const item of left) await work(item);
  });
  await Promise.all(turns);
}
