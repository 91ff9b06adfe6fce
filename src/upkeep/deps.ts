import type { Logger } from 'pino';
import type { Adapter, ObjectInfo } from '../../adapters/contract/index.js';
import type { Verifications } from '../objects/verifications.js';
import type { StateStore } from '../state/store.js';

export interface UpkeepDeps {
  readonly store: Adapter;
  readonly state: StateStore;
  readonly verifications: Verifications;
  readonly logger: Logger;
  readonly settings: UpkeepSettings;
  /** Told of what metrics count; must not throw. */
  readonly observe?: (event: UpkeepEvent) => void;
  /** Whether a verified copy of a shard lies elsewhere: such shards are removed first. Default: none has. */
  readonly hasVerifiedCopy?: (shard: ObjectInfo) => Promise<boolean>;
}

export interface UpkeepSettings {
  /** `verification_interval_hours`. */
  readonly verification_interval_ms: number;
  readonly auto_cleanup_enabled: boolean;
  /** `storage.backup_retention_days`: younger shards are never removed. */
  readonly retention_ms: number;
  /**
   * Buckets that are read in full and verified on the schedule. Default: all. Reading those of an upstream again and again
   * would cost its owner more than it is worth: it looks after its disks itself.
   */
  readonly isVerified?: (bucket: string) => boolean;
}

export type UpkeepEvent =
  | { readonly type: 'verified'; readonly intact: boolean; readonly size_bytes: number }
  | { readonly type: 'cleaned_up'; readonly size_bytes: number }
  | { readonly type: 'swept'; readonly removed_blobs: number; readonly freed_bytes: number };
