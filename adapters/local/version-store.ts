import { StoreError } from '../contract/index.js';
import { dropContent } from './content.js';
import type { LocalContext } from './context.js';
import { groupedKey, objectKey, successor, versionKey } from './index/keys.js';
import type { ObjectRecord } from './index/records.js';
import type { BucketRecord } from './index/tables.js';
import type { WriteTransaction } from './index/writer.js';
import { parseVersionId } from './object-info.js';

/**
 * The versions of one key. The latest one, when it is live, is in `objects`; all others and all delete markers are in
 * `versions`. So a key has no entry in `objects` exactly when it has no version or its latest is a delete marker.
 */
export interface Subject {
  readonly bucket: BucketRecord;
  readonly key: string;
  /** UTF-8. */
  readonly raw_key: Buffer;
  /** Key of the table `objects`. */
  readonly object_key: Buffer;
}

export function subjectOf(bucket: BucketRecord, key: string): Subject {
  const object_key = objectKey(bucket.id, key);
  return { bucket, key, raw_key: object_key.subarray(4), object_key };
}

export interface FoundVersion {
  readonly record: ObjectRecord;
  readonly is_latest: boolean;
}

export function findLive(context: LocalContext, subject: Subject): ObjectRecord | undefined {
  return context.tables.objects.get(subject.object_key);
}

/** The newest entry of `versions`, all of which are older than an entry of `objects`. */
function findNewestOther(context: LocalContext, subject: Subject): ObjectRecord | undefined {
  const start = groupedKey(subject.bucket.id, subject.raw_key);
  const end = successor(start);
  for (const { value } of context.tables.versions.getRange({ start, limit: 1, ...(end && { end }) })) {
    return value;
  }
  return undefined;
}

/** The latest version, a delete marker included. */
export function findLatest(context: LocalContext, subject: Subject): ObjectRecord | undefined {
  const live = findLive(context, subject);
  if (live !== undefined || subject.bucket.versioning === 'unversioned') return live;
  return findNewestOther(context, subject);
}

export function findVersion(
  context: LocalContext,
  subject: Subject,
  version_id: string,
): FoundVersion | undefined {
  const selector = parseVersionId(version_id);
  if (selector === undefined) return undefined;
  const live = findLive(context, subject);
  if (live !== undefined && isSelected(live, selector)) return { record: live, is_latest: true };
  const sequence =
    selector === 'null' ? context.tables.null_versions.get(subject.object_key) : selector.sequence;
  if (sequence === undefined) return undefined;
  const record = context.tables.versions.get(versionKey(subject.bucket.id, subject.raw_key, sequence));
  if (record === undefined || !isSelected(record, selector)) return undefined;
  const is_latest = live === undefined && findNewestOther(context, subject)?.sequence === sequence;
  return { record, is_latest };
}

function isSelected(
  record: ObjectRecord,
  selector: Exclude<ReturnType<typeof parseVersionId>, undefined>,
): boolean {
  if (selector === 'null') return record.null_version;
  return !record.null_version && record.sequence === selector.sequence && record.tag === selector.tag;
}

/** The version asked for, or the latest. Fails with not_found. */
export function needVersion(
  context: LocalContext,
  subject: Subject,
  version_id: string | undefined,
): FoundVersion {
  if (version_id === undefined) {
    const record = findLatest(context, subject);
    if (record !== undefined) return { record, is_latest: true };
    throw new StoreError('not_found', `there is no object ${subject.key}`);
  }
  const found = findVersion(context, subject, version_id);
  if (found !== undefined) return found;
  throw new StoreError('not_found', `there is no such version of ${subject.key}`, { subject: 'version' });
}

/**
 * Makes `record` the latest version: in an unversioned bucket in place of the one before, in others before it. While
 * versioning is suspended only the null version gives way (S3 User Guide, "Adding objects to versioning-suspended
 * buckets"). Inside a transaction.
 */
export function pushVersion(
  context: LocalContext,
  transaction: WriteTransaction,
  subject: Subject,
  record: ObjectRecord,
  live: ObjectRecord | undefined,
): void {
  makeWay(context, transaction, subject, live);
  if (record.delete_marker) {
    if (live !== undefined) void context.tables.objects.remove(subject.object_key);
    putOther(context, subject, record);
    return;
  }
  void context.tables.objects.put(subject.object_key, record);
  transaction.count(subject.bucket.id, {
    objects: 1,
    object_bytes: record.size_bytes,
    versions: 1,
    stored_bytes: record.size_bytes,
  });
}

function makeWay(
  context: LocalContext,
  transaction: WriteTransaction,
  subject: Subject,
  live: ObjectRecord | undefined,
): void {
  const { versioning } = subject.bucket;
  const replaced =
    versioning === 'unversioned' || (versioning === 'suspended' && live?.null_version === true);
  if (live !== undefined && replaced) dropLive(context, transaction, subject, live);
  else if (live !== undefined) demote(context, transaction, subject, live);
  if (versioning === 'suspended') removeOtherNull(context, transaction, subject);
}

/** The caller overwrites or removes its entry. */
function dropLive(
  context: LocalContext,
  transaction: WriteTransaction,
  subject: Subject,
  live: ObjectRecord,
): void {
  dropContent(context, transaction, live);
  transaction.count(subject.bucket.id, {
    objects: -1,
    object_bytes: -live.size_bytes,
    versions: -1,
    stored_bytes: -live.size_bytes,
  });
}

/** Likewise. */
function demote(
  context: LocalContext,
  transaction: WriteTransaction,
  subject: Subject,
  live: ObjectRecord,
): void {
  putOther(context, subject, live);
  transaction.count(subject.bucket.id, { objects: -1, object_bytes: -live.size_bytes });
}

function putOther(context: LocalContext, subject: Subject, record: ObjectRecord): void {
  const { tables } = context;
  void tables.versions.put(versionKey(subject.bucket.id, subject.raw_key, record.sequence), record);
  if (record.null_version) void tables.null_versions.put(subject.object_key, record.sequence);
}

function removeOtherNull(context: LocalContext, transaction: WriteTransaction, subject: Subject): void {
  const sequence = context.tables.null_versions.get(subject.object_key);
  if (sequence === undefined) return;
  const record = context.tables.versions.get(versionKey(subject.bucket.id, subject.raw_key, sequence));
  if (record !== undefined) removeOther(context, transaction, subject, record);
}

function removeOther(
  context: LocalContext,
  transaction: WriteTransaction,
  subject: Subject,
  record: ObjectRecord,
): void {
  const { tables } = context;
  dropContent(context, transaction, record);
  void tables.versions.remove(versionKey(subject.bucket.id, subject.raw_key, record.sequence));
  if (record.null_version) void tables.null_versions.remove(subject.object_key);
  if (!record.delete_marker) {
    transaction.count(subject.bucket.id, { versions: -1, stored_bytes: -record.size_bytes });
  }
}

/** Removes one version for good; the newest of what is left becomes the latest. Inside a transaction. */
export function removeVersion(
  context: LocalContext,
  transaction: WriteTransaction,
  subject: Subject,
  record: ObjectRecord,
): void {
  const live = findLive(context, subject);
  if (live?.sequence === record.sequence) {
    dropLive(context, transaction, subject, live);
    void context.tables.objects.remove(subject.object_key);
  } else removeOther(context, transaction, subject, record);
  if (subject.bucket.versioning === 'unversioned') return;
  if (live === undefined || live.sequence === record.sequence) promote(context, transaction, subject);
}

function promote(context: LocalContext, transaction: WriteTransaction, subject: Subject): void {
  const next = findNewestOther(context, subject);
  if (next === undefined || next.delete_marker) return;
  const { tables } = context;
  void tables.versions.remove(versionKey(subject.bucket.id, subject.raw_key, next.sequence));
  if (next.null_version) void tables.null_versions.remove(subject.object_key);
  void tables.objects.put(subject.object_key, next);
  transaction.count(subject.bucket.id, { objects: 1, object_bytes: next.size_bytes });
}

/** Replaces what is said of a version, at its place. Inside a transaction. */
export function rewriteVersion(context: LocalContext, subject: Subject, record: ObjectRecord): void {
  const live = findLive(context, subject);
  if (live?.sequence === record.sequence) void context.tables.objects.put(subject.object_key, record);
  else {
    void context.tables.versions.put(versionKey(subject.bucket.id, subject.raw_key, record.sequence), record);
  }
}
