import type { BucketOperations } from './buckets.js';
import type { Capabilities } from './capabilities.js';
import type { ChangeOperations } from './changes.js';
import type { MultipartOperations } from './multipart.js';
import type { ObjectOperations } from './objects.js';
import type { VersionOperations } from './versions.js';

/**
 * Storage of whole objects. Every method takes one options object, streams bodies, honours `signal`, and fails with
 * a StoreError only (or with what the caller's own body stream threw, or with the reason of its aborted signal).
 */
export interface Adapter
  extends BucketOperations,
    ObjectOperations,
    VersionOperations,
    MultipartOperations,
    ChangeOperations {
  /** Name from the configuration, for messages and metrics. */
  readonly name: string;
  readonly capabilities: Capabilities;
  /** Work on a schedule of the caller's: sweeps stale uploads, unreferenced blobs, old changes. Bounded; call again. */
  maintain(input: MaintainInput): Promise<MaintainResult>;
  /** Finishes what is under way and releases files and connections. Calls after it fail with `unavailable`. */
  close(): Promise<void>;
}

export interface MaintainInput {
  readonly now_ms: number;
  readonly signal?: AbortSignal | undefined;
}

export interface MaintainResult {
  readonly removed_blobs: number;
  readonly freed_bytes: number;
}
