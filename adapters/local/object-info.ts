import type { ObjectChecksum, ObjectInfo } from '../contract/index.js';
import { StoreError } from '../contract/index.js';
import type { ObjectRecord, StoredChecksum } from './index/records.js';
import type { BucketRecord } from './index/tables.js';

const NULL_VERSION = 'null';
/** It begins with a letter: XML readers that guess types (the minio client's) would take digits alone for a number. */
const VERSION_ID = /^v[0-9a-f]{28}$/;
const SEQUENCE_END = 1 + 12;

/** The sequence, by which a version is found, and a random tag, without which it cannot be guessed. */
export function versionId(record: Pick<ObjectRecord, 'null_version' | 'sequence' | 'tag'>): string {
  if (record.null_version) return NULL_VERSION;
  return `v${sequenceTag(record)}`;
}

/** 28 hex digits that rise with the sequence. */
export function sequenceTag(record: Pick<ObjectRecord, 'sequence' | 'tag'>): string {
  return record.sequence.toString(16).padStart(12, '0') + record.tag;
}

export type VersionSelector = 'null' | { readonly sequence: number; readonly tag: string };

/** Undefined for what was never given out as a version id. */
export function parseVersionId(version_id: string): VersionSelector | undefined {
  if (version_id === NULL_VERSION) return 'null';
  if (!VERSION_ID.test(version_id)) return undefined;
  return {
    sequence: Number.parseInt(version_id.slice(1, SEQUENCE_END), 16),
    tag: version_id.slice(SEQUENCE_END),
  };
}

/** S3's form: the MD5 of the content, or of the parts' MD5s with their number behind it. */
export function etagOf(record: Pick<ObjectRecord, 'md5' | 'parts_count' | 'delete_marker'>): string {
  if (record.delete_marker) return '';
  return record.parts_count === null ? record.md5 : `${record.md5}-${record.parts_count}`;
}

function checksumOf(checksum: StoredChecksum | null, parts_count: number | null): ObjectChecksum | null {
  if (checksum === null || checksum.type === 'FULL_OBJECT' || parts_count === null) return checksum;
  return { ...checksum, value: `${checksum.value}-${parts_count}` };
}

export function objectInfo(record: ObjectRecord, key: string, is_latest: boolean): ObjectInfo {
  return {
    key,
    version_id: versionId(record),
    is_latest,
    etag: etagOf(record),
    size_bytes: record.size_bytes,
    modified_at_ms: record.modified_at_ms,
    headers: record.headers,
    metadata: record.metadata,
    system: record.system,
    storage_class: record.storage_class,
    checksum: checksumOf(record.checksum, record.parts_count),
    sha256: record.sha256,
    parts_count: record.parts_count,
    tags_count: countOf(record.tags),
    retention: record.retention,
    legal_hold: record.legal_hold,
    owner: record.owner,
  };
}

/** The same with what its bucket says of it. */
export function versionInfo(
  { versioning }: Pick<BucketRecord, 'versioning'>,
  record: ObjectRecord,
  key: string,
  is_latest: boolean,
): ObjectInfo {
  const info = objectInfo(record, key, is_latest);
  return record.null_version && versioning !== 'unversioned' ? { ...info, null_version: true } : info;
}

function countOf(map: object): number {
  let count = 0;
  for (const _name in map) count += 1;
  return count;
}

export function deleteMarkerError(record: ObjectRecord, is_latest: boolean): StoreError {
  return new StoreError('delete_marker', 'the version is a delete marker', {
    subject: 'version',
    detail: { version_id: versionId(record), modified_at_ms: record.modified_at_ms, is_latest },
  });
}
