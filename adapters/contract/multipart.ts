import type {
  Body,
  BodyExpectation,
  ByteRange,
  ChecksumAlgorithm,
  ChecksumType,
  ListEntry,
  ObjectAddress,
  ObjectAttributes,
  ObjectChecksum,
  ObjectInfo,
  ReadCondition,
  WriteCondition,
} from './objects.js';

/** S3 API reference, "Uploading and copying objects using multipart upload". Part numbers are 1..parts_max. */
export interface UploadAddress {
  readonly bucket: string;
  readonly key: string;
  readonly upload_id: string;
  readonly signal?: AbortSignal | undefined;
}

export interface CreateUploadInput {
  readonly bucket: string;
  readonly key: string;
  readonly attributes?: ObjectAttributes;
  /** Default CRC64NVME with FULL_OBJECT, as AWS does. */
  readonly checksum?: { readonly algorithm: ChecksumAlgorithm; readonly type: ChecksumType };
  /** Canonical id of who began it. */
  readonly initiator?: string;
  readonly signal?: AbortSignal | undefined;
}

export interface UploadInfo {
  readonly key: string;
  readonly upload_id: string;
  readonly created_at_ms: number;
  readonly owner: string;
  readonly initiator: string;
  readonly storage_class: string;
  /**
   * What its parts are held to, also where it is not kept. Null when the client asked for none: the default is computed and
   * shown on the object only.
   */
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly type: ChecksumType } | null;
  /** As it was given when the upload began; absent where it was begun by others. */
  readonly system?: ObjectAttributes['system'];
}

export interface UploadPartInput extends UploadAddress {
  readonly part_number: number;
  readonly body: Body;
  readonly size_bytes: number;
  readonly expect?: BodyExpectation;
}

export interface CopyPartInput extends UploadAddress {
  readonly part_number: number;
  readonly source: Omit<ObjectAddress, 'signal'> & {
    readonly range?: ByteRange;
    readonly condition?: ReadCondition;
  };
}

export interface PartInfo {
  readonly part_number: number;
  readonly etag: string;
  readonly size_bytes: number;
  readonly modified_at_ms: number;
  readonly checksum: ObjectChecksum | null;
}

export interface ListPartsInput extends UploadAddress {
  /** Exclusive. */
  readonly after?: number;
  readonly limit: number;
}

export interface ListPartsResult {
  readonly upload: UploadInfo;
  readonly parts: readonly PartInfo[];
  readonly next: number | null;
}

export interface ListUploadsInput {
  readonly bucket: string;
  readonly prefix?: string;
  readonly delimiter?: string;
  /** Exclusive. Without `upload_id` all uploads of `key` are skipped. */
  readonly after?: UploadPosition;
  readonly limit: number;
  readonly signal?: AbortSignal | undefined;
}

export interface UploadPosition {
  readonly key: string;
  readonly upload_id?: string;
}

/** Keys ascending, then the time at which the upload began. */
export interface ListUploadsResult {
  readonly entries: readonly ListEntry<UploadInfo>[];
  readonly next: UploadPosition | null;
}

export interface CompletedPart {
  readonly part_number: number;
  readonly etag: string;
  /** Base64, where the client sent one. Where an adapter does not know it any more, the ETag says that it is that part. */
  readonly checksum?: { readonly algorithm: ChecksumAlgorithm; readonly value: string };
}

export interface CompleteUploadInput extends UploadAddress {
  /** Rising part numbers. */
  readonly parts: readonly CompletedPart[];
  readonly condition?: WriteCondition;
  /** The whole object's checksum as the client knows it. What an adapter cannot verify before it completes is `unsupported`. */
  readonly checksum?: ObjectChecksum;
  /** x-amz-mp-object-size. */
  readonly size_bytes?: number;
}

/** One part of a finished multipart object (GetObjectAttributes). */
export interface ObjectPart {
  readonly part_number: number;
  readonly size_bytes: number;
  readonly checksum: ObjectChecksum | null;
}

export interface ListObjectPartsResult {
  readonly info: ObjectInfo;
  /** Empty for an object that was written in one piece. */
  readonly parts: readonly ObjectPart[];
  readonly next: number | null;
}

/** Errors: not_found (upload), invalid_part, invalid_part_order, part_too_small, precondition_failed, digest_mismatch, no_space. */
export interface MultipartOperations {
  createUpload(input: CreateUploadInput): Promise<UploadInfo>;
  uploadPart(input: UploadPartInput): Promise<PartInfo>;
  copyPart(input: CopyPartInput): Promise<PartInfo & { readonly source_version_id: string }>;
  listParts(input: ListPartsInput): Promise<ListPartsResult>;
  listUploads(input: ListUploadsInput): Promise<ListUploadsResult>;
  /** Atomic; asked again after it succeeded, it gives the same answer as long as the object is still that version. */
  completeUpload(input: CompleteUploadInput): Promise<ObjectInfo>;
  abortUpload(input: UploadAddress): Promise<void>;
  /** The parts of a finished object, from `after` (exclusive). */
  listObjectParts(
    input: ObjectAddress & { readonly after?: number; readonly limit: number },
  ): Promise<ListObjectPartsResult>;
}
