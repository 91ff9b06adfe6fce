import type { ChecksumAlgorithm } from './objects.js';

/**
 * What an adapter can do, and its limits. `checked()` refuses what is not declared before the adapter sees it.
 */
export interface Capabilities {
  /** PutObject, CompleteUpload and CopyObject honour write conditions atomically. */
  readonly conditional_put: boolean;
  /** DeleteObject honours write conditions atomically. */
  readonly conditional_delete: boolean;
  readonly versioning: boolean;
  readonly object_lock: boolean;
  readonly tagging: boolean;
  readonly multipart: boolean;
  readonly bucket_documents: boolean;
  readonly change_feed: boolean;
  /** Exact object and byte counts without listing. */
  readonly usage: boolean;
  readonly checksums: readonly ChecksumAlgorithm[];
  readonly part_bytes_min: number;
  readonly part_bytes_max: number;
  readonly parts_max: number;
  readonly object_bytes_max: number;
  /** The largest body of one PutObject. */
  readonly put_bytes_max: number;
  readonly delete_batch_max: number;
  readonly list_limit_max: number;
  readonly key_bytes_max: number;
}
