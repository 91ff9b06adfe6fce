export type VersioningState = 'unversioned' | 'enabled' | 'suspended';

export interface BucketInfo {
  readonly name: string;
  readonly created_at_ms: number;
  /** Canonical id of its creator. */
  readonly owner: string;
  readonly versioning: VersioningState;
  readonly object_lock: boolean;
  /** Empty where it was not given. */
  readonly region: string;
}

interface Call {
  readonly signal?: AbortSignal | undefined;
}

export interface BucketAddress extends Call {
  readonly bucket: string;
}

export interface CreateBucketInput extends BucketAddress {
  readonly owner: string;
  readonly region?: string;
  /** Enables versioning too, for good. */
  readonly object_lock?: boolean;
  /** Content by kind. They are there with the bucket, or neither is; a repeat after a failure finds nothing half done. */
  readonly documents?: Readonly<Record<string, string>>;
}

export interface PutVersioningInput extends BucketAddress {
  readonly versioning: 'enabled' | 'suspended';
  /** Only with `enabled`. */
  readonly object_lock?: true;
}

export interface ListBucketsInput extends Call {
  readonly prefix?: string;
  /** Only buckets of this canonical id. */
  readonly owner?: string;
  /** Exclusive. */
  readonly after?: string;
  readonly limit: number;
}

/** What a list tells of a bucket. An upstream would have to be asked about each for the rest. */
export type ListedBucket = Pick<BucketInfo, 'name' | 'created_at_ms' | 'owner' | 'region'>;

export interface ListBucketsResult {
  readonly buckets: readonly ListedBucket[];
  readonly next: string | null;
  /** Only of an object store over several mounts: patterns of those whose buckets are missing, because they do not answer. */
  readonly unavailable_mounts?: readonly string[];
}

/**
 * Bucket documents (policy, CORS, lifecycle, tagging, ...) are stored for the node, which evaluates them; adapters
 * see bytes. `kind` is a lower-case word with hyphens.
 */
export interface DocumentAddress extends BucketAddress {
  readonly kind: string;
}

export interface BucketDocument {
  readonly content: string;
  /** Opaque; changes with the content. */
  readonly etag: string;
}

/** Live objects (latest versions) and the bytes of all versions and parts that count against the quota. */
export interface Usage {
  readonly objects_count: number;
  /** Of latest versions. */
  readonly objects_bytes: number;
  /** All versions, delete markers excluded. */
  readonly versions_count: number;
  /** Logical bytes of all versions and of parts of unfinished uploads. */
  readonly stored_bytes: number;
  /**
   * Only where an object store counted by listing what its adapter cannot count: when, null for not yet. Older versions
   * and parts are not in it.
   */
  readonly counted_at_ms?: number | null;
}

export interface BucketOperations {
  /** Errors: already_exists with detail.owner. */
  createBucket(input: CreateBucketInput): Promise<BucketInfo>;
  headBucket(input: BucketAddress): Promise<BucketInfo>;
  /** Errors: not_found, not_empty (unfinished uploads do not count and are aborted). */
  deleteBucket(input: BucketAddress): Promise<void>;
  listBuckets(input: ListBucketsInput): Promise<ListBucketsResult>;
  /**
   * `object_lock` turns Object Lock on for good, in a bucket whose versioning is enabled already. Errors: conflict when
   * object lock forbids suspending, or when it is to be turned on in a bucket that is not versioned.
   */
  putVersioning(input: PutVersioningInput): Promise<void>;
  /** Errors: not_found (bucket, document). */
  getDocument(input: DocumentAddress): Promise<BucketDocument>;
  /** With `if_etag` (null: must not exist) it is atomic: precondition_failed when another writer was first. */
  putDocument(
    input: DocumentAddress & { readonly content: string; readonly if_etag?: string | null },
  ): Promise<BucketDocument>;
  /** Deleting what is not there succeeds. */
  deleteDocument(input: DocumentAddress): Promise<void>;
  /** Of one bucket, or of all. */
  usage(input: Call & { readonly bucket?: string }): Promise<Usage>;
}
