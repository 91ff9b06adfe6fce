import type { Gate } from '../gate.js';
import type { BlobStore } from './blobs/blob-store.js';
import type { BucketBook } from './bucket-book.js';
import type { FreeSpace } from './free-space.js';
import type { Tables } from './index/tables.js';
import type { Writer } from './index/writer.js';
import type { Manifests } from './manifests.js';
import type { Pins } from './pins.js';
import type { KeyUse, Protect } from './protection.js';
import type { UsageBook } from './usage-book.js';

/** What all operations of one open adapter share. */
export interface LocalContext {
  readonly name: string;
  readonly tables: Tables;
  readonly writer: Writer;
  readonly blobs: BlobStore;
  readonly buckets: BucketBook;
  readonly usage: UsageBook;
  readonly space: FreeSpace;
  readonly manifests: Manifests;
  readonly pins: Pins;
  readonly gate: Gate;
  /** Undefined: everything is stored as it is. */
  readonly protect: Protect | undefined;
  readonly key_use: KeyUse;
  readonly now: () => number;
  readonly settings: LocalSettings;
}

export interface LocalSettings {
  /** How long bytes that nothing refers to any more are kept for readers that began before. */
  readonly garbage_grace_ms: number;
  /** Unfinished uploads older than this are aborted by `maintain`; null: never. */
  readonly upload_max_age_ms: number | null;
  /** How long a completed upload is remembered. */
  readonly completed_kept_ms: number;
  /** Entries of the change feed that are kept. */
  readonly changes_kept_max: number;
  /** S3's 5 MiB, unless a test wants small parts. */
  readonly part_bytes_min: number;
}
