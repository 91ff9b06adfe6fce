import type { Change, ErrorKind, ReadChangesResult, VersioningState } from '../contract/index.js';

/** A change on its way into the log. */
export interface NewChange {
  readonly type: Change['type'];
  readonly bucket: string;
  /** Empty for changes of a bucket. */
  readonly key: string;
  readonly version_id: string;
  readonly etag: string;
  readonly size_bytes: number;
  /** As the upstream lists it, to the millisecond; null where it is known only roughly. */
  readonly modified_at_ms: number | null;
  /** Of a bucket, where it is known. */
  readonly versioning?: VersioningState;
  /** The upstream told of it by itself: it may be known already. */
  readonly notified?: true;
}

/** One version that the feed has told of, or that was there when the feed began. */
export interface KnownVersion {
  readonly key: string;
  readonly version_id: string;
  readonly etag: string;
  readonly size_bytes: number;
  readonly modified_at_ms: number | null;
  readonly delete_marker: boolean;
}

export interface KnownBucket {
  readonly versioning: VersioningState | null;
}

/** A write that is about to be sent upstream. While it is in the log, its effect is not known. */
export interface Intent {
  readonly kind: 'object' | 'metadata' | 'bucket' | 'bucket_settings';
  readonly bucket: string;
  /** Empty for buckets. */
  readonly key: string;
  readonly at_ms: number;
}

export interface StoredIntent extends Intent {
  readonly id: string;
}

/** How far reconciliation has come; null: between two passes. */
export interface Pass {
  readonly started_at_ms: number;
  /** The first pass only learns what is there. */
  readonly baseline: boolean;
  readonly bucket: string;
  /** Everything up to this key of the bucket is done; null: nothing of it. */
  readonly key: string | null;
  /** Kind of the error for which a bucket was left out. */
  readonly left_out?: ErrorKind;
}

export interface FeedState {
  /** When the inventory was complete for the first time. */
  readonly baseline_at_ms: number | null;
  readonly reconciled_at_ms: number | null;
  readonly pass: Pass | null;
  /** Something may have been missed: a pass is due whatever the schedule says. */
  readonly pass_wanted: boolean;
}

/** What lands in one durable step. */
export interface Entry {
  readonly changes?: readonly NewChange[];
  /** Asked for each change when it is written; what it says no to is left out. */
  readonly admit?: (change: NewChange) => boolean;
  /** The inventory alone learns of the changes. */
  readonly silent?: boolean;
  readonly begin?: readonly StoredIntent[];
  /** Ids of intents whose effect is known now. */
  readonly settle?: readonly string[];
  readonly state?: Partial<FeedState>;
  /** Readers whose cursor is older have missed something. */
  readonly mark_gap?: boolean;
}

interface LogStatus {
  /** Of the newest change; null: there was none yet. */
  readonly cursor: string | null;
  readonly changes_count: number;
  readonly inventory_count: number;
  /** There is more upstream than the inventory may hold: what others do is told as gaps. */
  readonly inventory_full: boolean;
}

/** The durable memory of one adapter's feed: changes in order, intents, and what was told of. Fails when the disk does. */
export interface ChangeLog {
  /** Fails with `invalid` for what is no cursor. */
  read(after: string | null, limit: number): ReadChangesResult;
  wait(after: string | null, signal: AbortSignal): Promise<void>;
  /** Everyone who waits goes on. */
  close(): void;
  newIntent(intent: Intent): StoredIntent;
  write(entry: Entry): Promise<void>;
  intents(limit: number): readonly StoredIntent[];
  state(): FeedState;
  status(): LogStatus;
  known(bucket: string, key: string, version_id: string): KnownVersion | undefined;
  /** Whether the feed told not long ago that this version was deleted. */
  wasDeleted(bucket: string, key: string, version_id: string): boolean;
  /** Ascending by key, behind `after` (null: from the first), up to and including the key `through` (null: to the last). */
  versions(bucket: string, after: string | null, through: string | null): Iterable<KnownVersion>;
  versionsOf(bucket: string, key: string): Iterable<KnownVersion>;
  bucket(bucket: string): KnownBucket | undefined;
  /** Ascending, behind `after`. */
  buckets(after: string, limit: number): readonly string[];
}
