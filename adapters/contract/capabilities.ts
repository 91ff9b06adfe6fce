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
  /**
   * Computed and kept with every object and part, and shown later. A promised value of any other algorithm is verified all
   * the same, by every adapter; it may be kept where that can be, or not.
   */
  readonly checksums: readonly ChecksumAlgorithm[];
  /**
   * Of an object that is put in one piece, where its writer names none; parts have CRC64NVME where that is known. Null:
   * there may be none, or mounts differ.
   */
  readonly default_checksum: ChecksumAlgorithm | null;
  readonly part_bytes_min: number;
  readonly part_bytes_max: number;
  readonly parts_max: number;
  readonly object_bytes_max: number;
  /** The largest body of one PutObject. */
  readonly put_bytes_max: number;
  readonly delete_batch_max: number;
  readonly list_limit_max: number;
  readonly key_bytes_max: number;
  /** Absent: any key of up to key_bytes_max bytes. */
  readonly keys?: KeyRules;
  readonly deviations?: readonly Deviation[];
}

/** Where an upstream departs from S3 in a small thing that loses no acknowledged object, and that nobody above it can make up for. */
export type Deviation =
  /** A delete of a key that was never written, or is deleted already, makes no delete marker. */
  | 'no_markers_of_absent_keys'
  /** A key that ends with a slash has one version, `null`, in every bucket. */
  | 'folders_without_versions'
  /** A null delete marker of a key that XML cannot carry stays while versioning is enabled. */
  | 'null_markers_of_odd_keys_stay'
  /** Listings show common prefixes under which all objects are hidden by delete markers. */
  | 'prefixes_of_deleted_keys'
  /** Tags have letters and digits of ASCII, space and `+-=._:/@` only. */
  | 'ascii_tags'
  /** An abort that comes while the upload is being completed may succeed, without an effect. */
  | 'late_aborts_succeed'
  /** A part or a complete that comes while its upload is aborted may bring the upload back, without its other parts. */
  | 'late_parts_revive_uploads'
  /** A part has at least one byte. */
  | 'no_empty_parts'
  /** Whatever is written to a key ends the uploads of it that began before. */
  | 'newer_writes_end_uploads'
  /** Of a finished object's parts the sizes are known, not the checksums. */
  | 'no_part_checksums'
  /** A read that meets an overwrite may get the bytes of one of the two, whole, and the ETag of the other. */
  | 'etags_race_overwrites'
  /** Times of writes are told in the answer only to the second or so; a later look is exact. */
  | 'rough_write_times';

/**
 * What keys may be where an upstream maps them to a file system. Such servers write `/a` to `a` without a word, so what
 * they cannot hold is refused: writing it is `unsupported` (capability `keys`), and it is never found.
 */
export interface KeyRules {
  readonly leading_slash: boolean;
  /** False: no empty segment, no segment `.` or `..`. */
  readonly any_segments: boolean;
  readonly segment_bytes_max: number;
  /** `a` and `a/b` can both be objects; else the second is a `conflict`, or listings leave it out. */
  readonly nested: boolean;
  /** Objects whose keys end with a slash have content. */
  readonly folder_content: boolean;
  /** False: only characters that XML can carry. */
  readonly any_characters: boolean;
}
