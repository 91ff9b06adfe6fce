import { LIMITS } from '../../config/limits.js';
import { STORAGE_CLASSES } from '../../src/wire/storage-classes.js';
import type { Capabilities, KeyRules } from '../contract/index.js';

/** What is known of each kind of upstream, as data. `backup-node adapters probe` compares it with a real endpoint. */
export const PROVIDERS = [
  'aws',
  'minio',
  'ceph',
  'garage',
  'r2',
  'b2',
  'versitygw',
  'backup-node',
  'generic',
] as const;

export type Provider = (typeof PROVIDERS)[number];

/** What a configuration may say otherwise than its provider does. */
export const OVERRIDABLE = [
  'conditional_put',
  'conditional_delete',
  'versioning',
  'object_lock',
  'tagging',
  'bucket_documents',
] as const satisfies readonly (keyof Capabilities)[];

export type CapabilityOverrides = { readonly [Name in (typeof OVERRIDABLE)[number]]?: boolean | undefined };

/** How an upstream differs where the contract can still be kept, by another way to the same end. */
export interface Habits {
  /** Kept as they are; other names lie in our own metadata. Null: all names. */
  readonly storage_classes: readonly string[] | null;
  /** x-amz-website-redirect-location is stored. */
  readonly website_redirect: boolean;
  /** ListMultipartUploads shows all uploads under a prefix, in order and in pages. */
  readonly lists_uploads: boolean;
  /** UploadPartCopy computes the checksum that its upload asks for, also of a range. */
  readonly copies_parts_with_checksum: boolean;
  /** The least that UploadPartCopy takes. */
  readonly copy_part_bytes_min: number;
  /** GetObjectAttributes tells the parts of an object; else each is asked for by its number. */
  readonly tells_object_parts: boolean;
  /** If-None-Match and If-Match of the target: on PutObject and CompleteMultipartUpload only, or on CopyObject too. */
  readonly conditional_copy: boolean;
  /** If-None-Match takes an ETag, If-Match takes `*`; AWS has neither, so they are put in terms of what it has. */
  readonly any_condition: boolean;
  /** DeleteObject with `versionId=null` removes a delete marker too, and DeleteObjects says truly which markers it made. */
  readonly deletes_null_markers: boolean;
  readonly batches_tell_markers: boolean;
  /** A copy to a key that was written in the same millisecond, or by a clock ahead, may be lost without a word. */
  readonly copies_may_lose: boolean;
  /** The ETag of an object that was put in one piece is the MD5 of its bytes, whatever encrypts it. */
  readonly md5_etags: boolean;
  /**
   * Bucket names are shared with accounts that are strangers to this one and may open their buckets to it, so that one of
   * them may have the name of a reserved bucket. R2 has names for each account. In MinIO and Garage buckets are nobody's:
   * who may use one is up to whoever gives out the keys.
   */
  readonly global_bucket_names: boolean;
  /** ListBuckets shows the operator's key the buckets of all accounts; CreateBucket then tells whose one is. */
  readonly lists_foreign_buckets: boolean;
  /** Takes a path with the segments `.` and `..` as it is; else they are escaped, and signed like that. */
  readonly literal_dot_segments: boolean;
}

/** The limits that S3 itself has ("Multipart upload limits"); every upstream here shares them. */
const S3_LIMITS = {
  part_bytes_min: LIMITS.part_bytes_min,
  part_bytes_max: LIMITS.part_bytes_max,
  parts_max: LIMITS.parts_max,
  object_bytes_max: LIMITS.object_bytes_max,
  put_bytes_max: LIMITS.put_bytes_max,
  delete_batch_max: LIMITS.delete_batch_max,
  list_limit_max: LIMITS.list_keys_max,
  key_bytes_max: LIMITS.key_bytes_max,
} as const;

/** The least that is called S3: nothing is promised that some server of the kind lacks. */
const GENERIC: Capabilities = {
  ...S3_LIMITS,
  conditional_put: false,
  conditional_delete: false,
  versioning: false,
  object_lock: false,
  tagging: false,
  multipart: true,
  bucket_documents: false,
  change_feed: false,
  usage: false,
  checksums: [],
  default_checksum: null,
  deviations: ['rough_write_times'],
};

/** What these servers know, not what is known here: another algorithm of ours would not be theirs. */
const ALL_CHECKSUMS = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const;

/** S3 User Guide, "Checking object integrity". */
const OF_AWS = { checksums: ALL_CHECKSUMS, default_checksum: 'CRC64NVME' } as const;

const FULL: Capabilities = {
  ...GENERIC,
  conditional_put: true,
  versioning: true,
  object_lock: true,
  tagging: true,
  bucket_documents: true,
  ...OF_AWS,
};

/** MinIO keeps each segment of a key as a file name, takes `/a` for `a`, and does not list `a/b` beside an object `a`. */
const MINIO_KEYS: KeyRules = {
  leading_slash: false,
  any_segments: false,
  segment_bytes_max: 255,
  nested: false,
  folder_content: true,
  any_characters: true,
};

/** versitygw's posix backend stores objects as files: `a` and `a/b` exclude each other. */
const FILE_KEYS: KeyRules = {
  leading_slash: false,
  any_segments: false,
  segment_bytes_max: 255,
  nested: false,
  folder_content: false,
  any_characters: false,
};

/** Of LMDB's 511 bytes, Garage's recommended engine for metadata, a hash takes 32 and a time 8. */
const GARAGE_KEY_BYTES_MAX = 471;

/** Garage takes `/a` for `a`; else any key will do. */
const GARAGE_KEYS: KeyRules = {
  leading_slash: false,
  any_segments: true,
  segment_bytes_max: GARAGE_KEY_BYTES_MAX,
  nested: true,
  folder_content: true,
  any_characters: true,
};

export const PROVIDER_CAPABILITIES: Readonly<Record<Provider, Capabilities>> = {
  aws: { ...FULL, conditional_delete: true },
  minio: {
    ...FULL,
    // As SDKs send it. For CRC64NVME, MinIO takes as long as for half of all else that it does with an upload.
    default_checksum: 'CRC32',
    keys: MINIO_KEYS,
    deviations: [
      'rough_write_times',
      'no_markers_of_absent_keys',
      'folders_without_versions',
      'null_markers_of_odd_keys_stay',
      'prefixes_of_deleted_keys',
      'ascii_tags',
      'late_aborts_succeed',
    ],
  },
  ceph: { ...FULL, conditional_delete: true },
  garage: {
    ...GENERIC,
    key_bytes_max: GARAGE_KEY_BYTES_MAX,
    ...OF_AWS,
    keys: GARAGE_KEYS,
    deviations: ['rough_write_times', 'no_empty_parts', 'newer_writes_end_uploads', 'no_part_checksums'],
  },
  r2: { ...GENERIC, conditional_put: true, bucket_documents: true },
  b2: { ...GENERIC, versioning: true, object_lock: true },
  versitygw: {
    ...GENERIC,
    tagging: true,
    conditional_put: true,
    bucket_documents: true,
    ...OF_AWS,
    keys: FILE_KEYS,
    deviations: [
      'rough_write_times',
      'late_parts_revive_uploads',
      'no_part_checksums',
      'etags_race_overwrites',
    ],
  },
  'backup-node': { ...FULL, conditional_delete: true },
  generic: GENERIC,
};

const PLAIN: Habits = {
  storage_classes: ['STANDARD'],
  website_redirect: false,
  lists_uploads: true,
  copies_parts_with_checksum: false,
  copy_part_bytes_min: 0,
  tells_object_parts: true,
  conditional_copy: false,
  copies_may_lose: false,
  any_condition: false,
  deletes_null_markers: true,
  batches_tell_markers: true,
  md5_etags: true,
  global_bucket_names: false,
  lists_foreign_buckets: false,
  literal_dot_segments: true,
};

export const PROVIDER_HABITS: Readonly<Record<Provider, Habits>> = {
  aws: {
    ...PLAIN,
    storage_classes: null,
    website_redirect: true,
    copies_parts_with_checksum: true,
    conditional_copy: true,
    md5_etags: false,
    global_bucket_names: true,
  },
  minio: {
    ...PLAIN,
    storage_classes: ['STANDARD', 'REDUCED_REDUNDANCY'],
    lists_uploads: false,
    any_condition: true,
    deletes_null_markers: false,
    batches_tell_markers: false,
  },
  // Public clouds run it too.
  ceph: { ...PLAIN, storage_classes: null, global_bucket_names: true },
  garage: {
    ...PLAIN,
    website_redirect: true,
    copy_part_bytes_min: LIMITS.part_bytes_min,
    copies_may_lose: true,
    tells_object_parts: false,
  },
  r2: PLAIN,
  b2: { ...PLAIN, global_bucket_names: true },
  versitygw: {
    ...PLAIN,
    website_redirect: true,
    tells_object_parts: false,
    global_bucket_names: true,
    lists_foreign_buckets: true,
  },
  'backup-node': {
    ...PLAIN,
    storage_classes: STORAGE_CLASSES,
    website_redirect: true,
    copies_parts_with_checksum: true,
    conditional_copy: true,
    any_condition: true,
    global_bucket_names: true,
    lists_foreign_buckets: true,
    literal_dot_segments: false,
  },
  generic: { ...PLAIN, global_bucket_names: true },
};

/** Those of the provider, with what the configuration says otherwise. */
export function capabilitiesOf(options: {
  readonly provider: Provider;
  readonly capabilities?: CapabilityOverrides | undefined;
}): Capabilities {
  const changed = Object.entries(options.capabilities ?? {}).filter(([, value]) => value !== undefined);
  return { ...PROVIDER_CAPABILITIES[options.provider], ...Object.fromEntries(changed) };
}
