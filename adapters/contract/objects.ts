/** Types and operations of single objects. Sizes in bytes, times in milliseconds since 1970 (UTC). */

/**
 * Bytes on their way in or out: whole when small, a stream when large.
 * A chunk of a stream is lent, either way: it is valid until the next one is asked for. Copy it to keep it.
 * Errors that a caller's own stream throws pass through the adapter unchanged.
 */
export type Body = Uint8Array | AsyncIterable<Uint8Array>;

/** x-amz-checksum-* algorithms (S3 API reference, "Checking object integrity"). */
export type ChecksumAlgorithm = 'CRC32' | 'CRC32C' | 'CRC64NVME' | 'SHA1' | 'SHA256';
export type ChecksumType = 'COMPOSITE' | 'FULL_OBJECT';

export interface ObjectChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
  /** Base64; composite values carry `-N` behind it. */
  readonly value: string;
}

/**
 * A checksum that the caller wants computed. `value` (base64) is what it must be, verified by every adapter: it is asked for
 * after the body has ended, because it may come in a trailer; one that is known before does not change.
 */
export interface ChecksumRequest {
  readonly algorithm: ChecksumAlgorithm;
  readonly value?: () => string | undefined;
}

/** Digests that the caller promises of a body. A body that differs is refused with `digest_mismatch` and leaves no trace. */
export interface BodyExpectation {
  /** Hex. */
  readonly md5?: string;
  /** Hex. */
  readonly sha256?: string;
  /** Default algorithm: the adapter's `default_checksum`; of parts CRC64NVME, as AWS computes it. */
  readonly checksum?: ChecksumRequest;
}

/** Headers that are stored with an object and given back as they came. */
export interface ContentHeaders {
  readonly content_type?: string;
  readonly cache_control?: string;
  readonly content_disposition?: string;
  readonly content_encoding?: string;
  readonly content_language?: string;
  readonly expires?: string;
  readonly website_redirect_location?: string;
}

export type Tags = Readonly<Record<string, string>>;

export interface Retention {
  readonly mode: 'GOVERNANCE' | 'COMPLIANCE';
  readonly until_ms: number;
}

/** What a writer says of an object beside its bytes. */
export interface ObjectAttributes {
  readonly headers?: ContentHeaders;
  /** User metadata (x-amz-meta-*), lower-case names without the prefix. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Attributes that belong to the doors above (e.g. ACL grants, a shard's source node); adapters store them opaquely. */
  readonly system?: Readonly<Record<string, string>>;
  readonly storage_class?: string;
  readonly tags?: Tags;
  readonly retention?: Retention;
  readonly legal_hold?: boolean;
  /** Canonical id of the owner. */
  readonly owner?: string;
}

export interface ObjectInfo {
  readonly key: string;
  /** `null` (the string) for an object written while versioning was not enabled. */
  readonly version_id: string;
  /**
   * The bucket has or had versioning, so that a `version_id` of `null` is one version among others; never beside another
   * id. Absent where the adapter cannot know, and in listings.
   */
  readonly null_version?: true;
  readonly is_latest: boolean;
  /** Without quotes. */
  readonly etag: string;
  readonly size_bytes: number;
  readonly modified_at_ms: number;
  readonly headers: ContentHeaders;
  readonly metadata: Readonly<Record<string, string>>;
  readonly system: Readonly<Record<string, string>>;
  readonly storage_class: string;
  readonly checksum: ObjectChecksum | null;
  /** Hex SHA-256 of the whole content where the adapter knows it (not for multipart objects). */
  readonly sha256: string | null;
  /** Null for objects that were written in one piece. */
  readonly parts_count: number | null;
  readonly tags_count: number;
  readonly retention: Retention | null;
  readonly legal_hold: boolean;
  /** Canonical id. */
  readonly owner: string;
}

/** Bytes `start`..`end` inclusive, from `start` to the end, or the last `suffix` bytes (RFC 9110, section 14.1.2). */
export type ByteRange = { readonly start: number; readonly end?: number } | { readonly suffix: number };

/** RFC 9110, section 13; ETags without quotes. `*` matches any. */
export interface ReadCondition {
  readonly if_match?: readonly string[];
  readonly if_none_match?: readonly string[];
  readonly if_modified_since_ms?: number;
  readonly if_unmodified_since_ms?: number;
}

/** Checked and acted on in one atomic step. ETags without quotes, `*` for any object. */
export interface WriteCondition {
  readonly if_match?: string;
  readonly if_none_match?: string;
}

/** S3 API reference, "DeleteObject": x-amz-if-match-last-modified-time and x-amz-if-match-size. */
export interface DeleteCondition extends WriteCondition {
  readonly if_modified_at_ms?: number;
  readonly if_size_bytes?: number;
}

interface Call {
  readonly signal?: AbortSignal | undefined;
}

/** Names one version of an object; without `version_id` the latest. */
export interface ObjectAddress extends Call {
  readonly bucket: string;
  readonly key: string;
  readonly version_id?: string | undefined;
}

export interface PutObjectInput extends Call {
  readonly bucket: string;
  readonly key: string;
  readonly body: Body;
  /** The exact length of the body; one that is longer or shorter is a `digest_mismatch` with detail.algorithm `size`. */
  readonly size_bytes: number;
  readonly attributes?: ObjectAttributes;
  readonly expect?: BodyExpectation;
  readonly condition?: WriteCondition;
}

export interface GetObjectInput extends ObjectAddress {
  /** At most one of `range` and `part_number`. */
  readonly range?: ByteRange;
  readonly part_number?: number;
  readonly condition?: ReadCondition;
}

/** At least one byte: `start`..`end`, inclusive. */
export interface ResolvedRange {
  readonly start: number;
  readonly end: number;
}

/**
 * What `range` or `part_number` came to: null is the whole object, `empty` a part without bytes, which no range can
 * describe.
 */
export type Extent = ResolvedRange | 'empty' | null;

export interface HeadObjectResult {
  readonly info: ObjectInfo;
  readonly range: Extent;
  /** Checksum of the one part asked for by `part_number`, where it is known. */
  readonly part_checksum?: ObjectChecksum;
}

export interface GetObjectResult extends HeadObjectResult {
  /** Opened at the first read: a body that is never iterated holds nothing open. */
  readonly body: Body;
}

export interface DeleteObjectInput extends ObjectAddress {
  readonly condition?: DeleteCondition;
  /** Lets a version under GOVERNANCE retention be deleted; the caller has authorised it. */
  readonly bypass_governance?: boolean;
  /** Canonical id of the owner of a delete marker that this may make. */
  readonly owner?: string;
}

/** Deleting what is not there succeeds. */
export interface DeleteObjectResult {
  /** The version that was removed, or the delete marker that was made; absent in unversioned buckets. */
  readonly version_id?: string | undefined;
  /** True when a delete marker was made or removed. */
  readonly delete_marker: boolean;
}

export interface DeleteObjectsInput extends Call {
  readonly bucket: string;
  /** At most `delete_batch_max`. */
  readonly objects: readonly Omit<DeleteObjectInput, 'bucket' | 'signal'>[];
}

/** One entry for each object asked for, in order; one failure does not stop the others. */
export type DeleteObjectsResult = readonly (DeleteObjectResult | { readonly error: Error })[];

export interface CopyObjectInput extends Call {
  readonly source: Omit<ObjectAddress, 'signal'> & { readonly condition?: ReadCondition };
  readonly bucket: string;
  readonly key: string;
  /** Replaces headers and metadata when `replace_attributes`, tags when `replace_tags`; the rest of it always applies to the copy. */
  readonly attributes?: ObjectAttributes;
  readonly replace_attributes: boolean;
  readonly replace_tags: boolean;
  /** Recomputes the checksum with this algorithm, one of the capability `checksums`; without it the source's is kept where it can be. */
  readonly checksum_algorithm?: ChecksumAlgorithm;
  readonly condition?: WriteCondition;
  /** A source that was written in one piece has a copy of one piece, as its ETag tells. Without it a copy may be of parts. */
  readonly one_piece?: boolean;
}

export interface CopyObjectResult {
  readonly info: ObjectInfo;
  readonly source_version_id: string;
}

export interface ListObjectsInput extends Call {
  readonly bucket: string;
  readonly prefix?: string;
  readonly delimiter?: string;
  /**
   * Exclusive: the last key or common prefix of the page before. Where it lies under a common prefix, the rest of that
   * prefix is skipped too, so a common prefix is never repeated.
   */
  readonly after?: string;
  /** 1..list_limit_max; keys and common prefixes together. */
  readonly limit: number;
}

export type ListEntry<T> =
  | { readonly type: 'item'; readonly item: T }
  | { readonly type: 'prefix'; readonly prefix: string };

/** Ascending in UTF-8 byte order. */
export interface ListObjectsResult {
  readonly entries: readonly ListEntry<ObjectInfo>[];
  /** What to pass as `after` for the next page; null at the end. */
  readonly next: string | null;
}

export interface ObjectOperations {
  /** Durable and visible, whole, when it resolves. Errors: not_found (bucket), precondition_failed, digest_mismatch, no_space. */
  putObject(input: PutObjectInput): Promise<ObjectInfo>;
  /** Errors: not_found (bucket, object, version), delete_marker, not_modified, precondition_failed, range_not_satisfiable, corrupt. */
  getObject(input: GetObjectInput): Promise<GetObjectResult>;
  headObject(input: GetObjectInput): Promise<HeadObjectResult>;
  /** Errors: not_found (bucket), precondition_failed, locked. */
  deleteObject(input: DeleteObjectInput): Promise<DeleteObjectResult>;
  deleteObjects(input: DeleteObjectsInput): Promise<DeleteObjectsResult>;
  copyObject(input: CopyObjectInput): Promise<CopyObjectResult>;
  listObjects(input: ListObjectsInput): Promise<ListObjectsResult>;
  /** Reads all stored bytes of one version and compares them with their digests. Marks what is corrupt, so that reads refuse it. */
  verifyObject(input: ObjectAddress): Promise<VerifyResult>;
}

export interface VerifyResult {
  readonly intact: boolean;
  readonly size_bytes: number;
}
