import { randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { LIMITS } from '../../config/limits.js';
import { createChangeWaiters } from '../change-waiters.js';
import { type Change, type ReadChangesResult, StoreError } from '../contract/index.js';
import type {
  ChangeLog,
  Entry,
  FeedState,
  Intent,
  KnownBucket,
  KnownVersion,
  NewChange,
  StoredIntent,
} from './change-log.js';
import { groupCommits } from './group-commit.js';
import { type LogKeys, logKeys } from './log-keys.js';
import type { FeedStore, FeedTable } from './store.js';

export interface DurableLogOptions {
  readonly store: FeedStore;
  /** Name of the adapter: each has a log of its own. */
  readonly adapter: string;
  readonly now_ms?: () => number;
  readonly changes_max?: number;
  readonly inventory_max?: number;
}

/** What is written with every commit. */
interface Meta {
  /** Tells a log from the one before it, where the node lost its state: cursors of the other are gaps. */
  readonly epoch: string;
  readonly sequence: number;
  /** Readers behind it have missed something. */
  readonly trimmed: number;
  /** Up to here changes are removed. */
  readonly removed: number;
  readonly inventory_count: number;
  readonly inventory_full: boolean;
}

type StoredChange = Omit<Change, 'cursor'>;

interface Tables {
  readonly changes: FeedTable<StoredChange>;
  readonly intents: FeedTable<StoredIntent>;
  readonly versions: FeedTable<KnownVersion>;
  readonly buckets: FeedTable<KnownBucket>;
  readonly meta: FeedTable<Meta>;
  readonly states: FeedTable<FeedState>;
}

const CURSOR = /^([0-9a-f]{8})\.(\d{1,15})$/;
const PAGE = 1_000;
const FRESH: FeedState = { baseline_at_ms: null, reconciled_at_ms: null, pass: null, pass_wanted: false };

/** The log of one adapter in the node's own state. One at a time for each adapter. */
export function openDurableLog(options: DurableLogOptions): ChangeLog {
  const { store, adapter } = options;
  const keys = logKeys(adapter);
  const tables: Tables = {
    changes: store.table('feed_changes'),
    intents: store.table('feed_intents'),
    versions: store.table('feed_versions'),
    buckets: store.table('feed_buckets'),
    meta: store.table('feed_meta'),
    states: store.table('feed_states'),
  };
  const deleted = new LRUCache<string, true>({ max: LIMITS.feed_deletes_remembered_max });
  /** What the transaction under way does to it. */
  const deleting = new Map<string, boolean>();
  let meta = tables.meta.get(adapter) ?? newMeta();
  let state = tables.states.get(adapter) ?? FRESH;
  const waiters = createChangeWaiters((after) => {
    const { foreign, sequence } = placeOf(meta, after);
    return foreign || sequence < meta.sequence;
  });
  const commit = groupCommits<Entry>(
    store,
    (entries) => {
      deleting.clear();
      // Only what was committed is remembered here: an abort leaves all as it was.
      const next = applyEntries(
        { tables, keys, options, deleting, meta, state, now_ms: nowOf(options) },
        entries,
      );
      void tables.meta.put(adapter, next.meta);
      if (next.state !== state) void tables.states.put(adapter, next.state);
      pending = next;
    },
    () => {
      const news = pending.meta.sequence !== meta.sequence;
      ({ meta, state } = pending);
      for (const [key, is_deleted] of deleting) {
        if (is_deleted) deleted.set(key, true);
        else deleted.delete(key);
      }
      deleting.clear();
      if (news) waiters.wake();
    },
  );
  let pending = { meta, state };
  const write = async (entry: Entry): Promise<void> => {
    try {
      await commit(entry);
    } catch (cause) {
      throw new StoreError('unexpected', 'the change feed cannot be written', { subject: 'adapter', cause });
    }
  };

  return {
    read: (after, limit) => readLog(tables, keys, meta, after, limit),
    wait: waiters.wait,
    close: waiters.close,
    newIntent: (intent: Intent) => ({
      ...intent,
      id: `${intent.at_ms.toString(36)}-${randomBytes(6).toString('hex')}`,
    }),
    write,
    intents: (limit) =>
      tables.intents.range({ from: keys.start, to: keys.end, limit }).map(({ value }) => value),
    state: () => state,
    status: () => ({
      cursor: meta.sequence === 0 ? null : cursorOf(meta, meta.sequence),
      changes_count: meta.sequence - meta.removed,
      inventory_count: meta.inventory_count,
      inventory_full: meta.inventory_full,
    }),
    known: (bucket, key, version_id) => tables.versions.get(keys.version(bucket, key, version_id)),
    wasDeleted(bucket, key, version_id) {
      const place = keys.version(bucket, key, version_id);
      return deleting.get(place) ?? deleted.has(place);
    },
    versions: (bucket, after, through) =>
      knownVersions(
        tables,
        after === null ? keys.beforeBucket(bucket) : keys.behindKey(bucket, after),
        through === null ? keys.behindBucket(bucket) : keys.behindKey(bucket, through),
      ),
    versionsOf: (bucket, key) =>
      knownVersions(tables, keys.beforeKey(bucket, key), keys.behindKey(bucket, key)),
    bucket: (bucket) => tables.buckets.get(keys.bucket(bucket)),
    buckets: (after, limit) =>
      tables.buckets
        .range({ after: keys.bucket(after), to: keys.end, limit })
        .map(({ key }) => keys.readBucket(key)),
  };
}

function nowOf({ now_ms = Date.now }: DurableLogOptions): number {
  return now_ms();
}

function newMeta(): Meta {
  const epoch = randomBytes(4).toString('hex');
  return { epoch, sequence: 0, trimmed: 0, removed: 0, inventory_count: 0, inventory_full: false };
}

function cursorOf({ epoch }: Meta, sequence: number): string {
  return `${epoch}.${sequence}`;
}

interface Place {
  readonly sequence: number;
  /** The cursor of a log that is gone. */
  readonly foreign: boolean;
}

function placeOf(meta: Meta, cursor: string | null): Place {
  if (cursor === null) return { sequence: 0, foreign: false };
  const match = CURSOR.exec(cursor);
  if (match === null) {
    throw new StoreError('invalid', 'the cursor is not one of this change feed', { subject: 'adapter' });
  }
  const sequence = Number(match[2]);
  const foreign = match[1] !== meta.epoch || sequence > meta.sequence;
  return foreign ? { sequence: 0, foreign } : { sequence, foreign };
}

function readLog(
  tables: Tables,
  keys: LogKeys,
  meta: Meta,
  after: string | null,
  limit: number,
): ReadChangesResult {
  const { sequence, foreign } = placeOf(meta, after);
  // A commit may be readable before it is acknowledged here.
  const to = keys.sequence(meta.sequence + 1);
  const changes = tables.changes
    .range({ after: keys.sequence(sequence), to, limit: Math.min(limit, PAGE) })
    .map(({ key, value }) => ({ ...value, cursor: cursorOf(meta, keys.readSequence(key)) }));
  const gap = foreign || (after !== null && sequence < meta.trimmed);
  // Where gaps alone are left, or the cursor is of another log, a reader who kept it would be woken for ever.
  const is_at_end = !foreign && sequence === meta.sequence;
  const nothing = is_at_end ? after : cursorOf(meta, meta.sequence);
  return { changes, cursor: changes.at(-1)?.cursor ?? nothing, gap };
}

function* knownVersions(tables: Tables, start: string, to: string): Iterable<KnownVersion> {
  for (const { value } of rows(tables.versions, start, to)) yield value;
}

/** Behind one key and before another. Each page is read before any of it is handed out: rows may be deleted meanwhile. */
function* rows<T>(table: FeedTable<T>, start: string, to: string): Iterable<{ key: string; value: T }> {
  for (let after = start; ; ) {
    const page = table.range({ after, to, limit: PAGE });
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = last.key;
  }
}

interface Work {
  readonly tables: Tables;
  readonly keys: LogKeys;
  readonly options: DurableLogOptions;
  readonly deleting: Map<string, boolean>;
  readonly meta: Meta;
  readonly state: FeedState;
  readonly now_ms: number;
}

/** Runs inside one transaction. */
function applyEntries(work: Work, entries: readonly Entry[]): { meta: Meta; state: FeedState } {
  const { tables, keys, options, deleting, now_ms } = work;
  const inventory_max = options.inventory_max ?? LIMITS.feed_inventory_max;
  const meta = { ...work.meta };
  let { state } = work;
  for (const entry of entries) {
    for (const intent of entry.begin ?? []) void tables.intents.put(keys.intent(intent.id), intent);
    for (const id of entry.settle ?? []) void tables.intents.delete(keys.intent(id));
    for (const change of entry.changes ?? []) {
      if (entry.admit?.(change) === false) continue;
      const place = keys.version(change.bucket, change.key, change.version_id);
      if (!keys.fits(place)) {
        markGap(meta);
        continue;
      }
      deleting.set(place, change.type === 'delete');
      meta.inventory_count += remember(tables, keys, change, meta.inventory_count < inventory_max);
      if (meta.inventory_count >= inventory_max) meta.inventory_full = true;
      if (entry.silent === true) continue;
      meta.sequence += 1;
      void tables.changes.put(keys.sequence(meta.sequence), storedChange(change, now_ms));
    }
    if (entry.mark_gap === true) markGap(meta);
    if (entry.state === undefined) continue;
    const is_end_of_pass = state.pass !== null && entry.state.pass === null;
    state = { ...state, ...entry.state };
    if (!is_end_of_pass || !meta.inventory_full || !hasMuchRoom(meta, inventory_max)) continue;
    // What is not in the inventory is learned as at the beginning: by a pass that ends with a gap.
    meta.inventory_full = false;
    state = { ...state, baseline_at_ms: null };
  }
  trim(tables, keys, meta, options.changes_max ?? LIMITS.changes_kept_max);
  return { meta, state };
}

/** So much that the next writes do not fill it again. */
function hasMuchRoom({ inventory_count }: Meta, inventory_max: number): boolean {
  return inventory_count <= inventory_max * 0.9;
}

type OpenMeta = { -readonly [Key in keyof Meta]: Meta[Key] };

/** A sequence number without a change: who has not read past it has missed something. */
function markGap(meta: OpenMeta): void {
  meta.sequence += 1;
  meta.trimmed = meta.sequence;
}

function storedChange(change: NewChange, at_ms: number): StoredChange {
  const { type, bucket, key, version_id, etag, size_bytes } = change;
  return { type, bucket, key, version_id, etag, size_bytes, at_ms };
}

/** How many versions more the inventory has. */
function remember(tables: Tables, keys: LogKeys, change: NewChange, has_room: boolean): number {
  const { type, bucket, key, version_id, etag, size_bytes, modified_at_ms } = change;
  const place = keys.version(bucket, key, version_id);
  switch (type) {
    case 'put':
    case 'delete_marker': {
      const is_new = tables.versions.get(place) === undefined;
      if (is_new && !has_room) return 0;
      const delete_marker = type === 'delete_marker';
      void tables.versions.put(place, { key, version_id, etag, size_bytes, modified_at_ms, delete_marker });
      return is_new ? 1 : 0;
    }
    case 'delete':
      if (tables.versions.get(place) === undefined) return 0;
      void tables.versions.delete(place);
      return -1;
    case 'bucket_created':
    case 'bucket_changed': {
      const before = tables.buckets.get(keys.bucket(bucket));
      const versioning = change.versioning ?? before?.versioning ?? null;
      void tables.buckets.put(keys.bucket(bucket), { versioning });
      return 0;
    }
    case 'bucket_deleted':
      void tables.buckets.delete(keys.bucket(bucket));
      return -forgetBucket(tables, keys, bucket);
    case 'metadata':
      return 0;
  }
}

/** Who tells of its end tells of the deletes of all that was known in it first; this leaves nothing behind in any case. */
function forgetBucket(tables: Tables, keys: LogKeys, bucket: string): number {
  let count = 0;
  for (const { key } of rows(tables.versions, keys.beforeBucket(bucket), keys.behindBucket(bucket))) {
    void tables.versions.delete(key);
    count += 1;
  }
  return count;
}

/** A little at a time, so that no commit takes long. */
function trim(tables: Tables, keys: LogKeys, meta: OpenMeta, changes_max: number): void {
  for (let n = 0; n < PAGE && meta.sequence - meta.removed > changes_max; n++) {
    meta.removed += 1;
    void tables.changes.delete(keys.sequence(meta.removed));
  }
  meta.trimmed = Math.max(meta.trimmed, meta.removed);
}
