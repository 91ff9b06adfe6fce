import type { ListEntry, ObjectAddress, ObjectInfo, Retention, Tags } from './objects.js';

/** S3 API reference, "ListObjectVersions": a delete marker is a version without content. */
export interface DeleteMarker {
  readonly key: string;
  readonly version_id: string;
  readonly is_latest: boolean;
  readonly modified_at_ms: number;
  /** Canonical id. */
  readonly owner: string;
}

export type VersionEntry =
  | ({ readonly delete_marker: false } & ObjectInfo)
  | ({ readonly delete_marker: true } & DeleteMarker);

export interface ListVersionsInput {
  readonly bucket: string;
  readonly prefix?: string;
  readonly delimiter?: string;
  /** Exclusive. Without `version_id` all versions of `key` are skipped, with it those newer than and including it. */
  readonly after?: VersionPosition;
  readonly limit: number;
  readonly signal?: AbortSignal | undefined;
}

export interface VersionPosition {
  readonly key: string;
  readonly version_id?: string | undefined;
}

/** Keys ascending in UTF-8 byte order, newest version of a key first. */
export interface ListVersionsResult {
  readonly entries: readonly ListEntry<VersionEntry>[];
  readonly next: VersionPosition | null;
}

export interface TagsResult {
  readonly tags: Tags;
  readonly version_id: string;
}

export interface LockInput extends ObjectAddress {
  /** The caller has authorised shortening or removing GOVERNANCE retention. */
  readonly bypass_governance?: boolean;
  /** Null removes it, which only GOVERNANCE with the bypass, or an expired retention, allows. */
  readonly retention: Retention | null;
}

/** Versions, and what is changed on a version after it was written. Errors: not_found, delete_marker, locked, unsupported. */
export interface VersionOperations {
  listVersions(input: ListVersionsInput): Promise<ListVersionsResult>;
  getTags(input: ObjectAddress): Promise<TagsResult>;
  /** An empty record removes all tags. */
  putTags(input: ObjectAddress & { readonly tags: Tags }): Promise<TagsResult>;
  putRetention(input: LockInput): Promise<void>;
  putLegalHold(input: ObjectAddress & { readonly legal_hold: boolean }): Promise<void>;
}
