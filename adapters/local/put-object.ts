import { evaluateWriteCondition } from '../conditions.js';
import type { ChecksumAlgorithm, ObjectAttributes, ObjectInfo, PutObjectInput } from '../contract/index.js';
import type { WrittenBlob } from './blobs/blob-store.js';
import { commitContent, ownContent } from './content.js';
import type { LocalContext } from './context.js';
import { NO_TAG, type ObjectRecord } from './index/records.js';
import type { BucketRecord } from './index/tables.js';
import type { WriteTransaction } from './index/writer.js';
import { etagOf, versionInfo } from './object-info.js';
import { protectionFor } from './protection.js';
import { randomTag } from './random-tag.js';
import { findLive, pushVersion, type Subject, subjectOf } from './version-store.js';

export const DEFAULT_ALGORITHM: ChecksumAlgorithm = 'CRC64NVME';
export const DEFAULT_STORAGE_CLASS = 'STANDARD';

export async function putObject(context: LocalContext, input: PutObjectInput): Promise<ObjectInfo> {
  const bucket = context.buckets.read(input.bucket);
  // Decided inside the transaction; looked at here so that a body that comes in vain need not come.
  if (input.condition !== undefined) checkCondition(context, subjectOf(bucket, input.key), input);
  const waiting = context.space.admit(input.size_bytes);
  if (waiting !== undefined) await waiting;
  const algorithm = input.expect?.checksum?.algorithm ?? DEFAULT_ALGORITHM;
  const protection = protectionFor(context, input.bucket, input.attributes?.headers);
  const { body, size_bytes, expect, signal } = input;
  const written = await context.blobs.write({ body, size_bytes, expect, algorithm, protection, signal });
  return commitContent(context, [written], (transaction) =>
    commitPut(context, transaction, input, written, algorithm),
  );
}

function checkCondition(context: LocalContext, subject: Subject, input: PutObjectInput): void {
  const live = findLive(context, subject);
  evaluateWriteCondition(live && { etag: etagOf(live) }, input.condition);
}

function commitPut(
  context: LocalContext,
  transaction: WriteTransaction,
  input: PutObjectInput,
  written: WrittenBlob,
  algorithm: ChecksumAlgorithm,
): ObjectInfo {
  const bucket = context.buckets.write(input.bucket);
  const subject = subjectOf(bucket, input.key);
  const live = findLive(context, subject);
  if (input.condition !== undefined) evaluateWriteCondition(live && { etag: etagOf(live) }, input.condition);
  const sequence = transaction.nextSequence();
  const record: ObjectRecord = {
    ...newRecord(bucket, transaction.now_ms, sequence, input.attributes),
    size_bytes: written.record.size_bytes,
    md5: written.md5.toString('hex'),
    ...ownContent(context, written.record, sequence),
    checksum: { algorithm, type: 'FULL_OBJECT', value: written.checksum.toString('base64') },
  };
  return publishVersion(context, transaction, subject, record, live);
}

/** Makes a record the latest version of its key, and tells the change feed. Inside a transaction. */
export function publishVersion(
  context: LocalContext,
  transaction: WriteTransaction,
  subject: Subject,
  record: ObjectRecord,
  live: ObjectRecord | undefined,
): ObjectInfo {
  pushVersion(context, transaction, subject, record, live);
  const info = versionInfo(subject.bucket, record, subject.key, true);
  transaction.change({
    sequence: record.sequence,
    type: 'put',
    bucket: subject.bucket.name,
    key: subject.key,
    version_id: info.version_id,
    etag: info.etag,
    size_bytes: record.size_bytes,
  });
  return info;
}

const NOTHING: Readonly<Record<string, string>> = Object.freeze({});

/** A version without content, as a writer's attributes describe it. */
export function newRecord(
  bucket: BucketRecord,
  now_ms: number,
  sequence: number,
  attributes: ObjectAttributes = {},
): ObjectRecord {
  const null_version = bucket.versioning !== 'enabled';
  return {
    delete_marker: false,
    null_version,
    sequence,
    tag: null_version ? NO_TAG : randomTag(),
    modified_at_ms: now_ms,
    size_bytes: 0,
    md5: '',
    parts_count: null,
    content: 'empty',
    codec: 'plain',
    sha256: null,
    blob_id: null,
    manifest_id: 0,
    checksum: null,
    retention: attributes.retention ?? null,
    legal_hold: attributes.legal_hold ?? false,
    owner: attributes.owner ?? '',
    storage_class: attributes.storage_class ?? DEFAULT_STORAGE_CLASS,
    headers: attributes.headers ?? NOTHING,
    metadata: attributes.metadata ?? NOTHING,
    system: attributes.system ?? NOTHING,
    tags: attributes.tags ?? NOTHING,
  };
}
