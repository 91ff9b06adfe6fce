import { evaluateDeleteCondition } from '../conditions.js';
import {
  type DeleteObjectInput,
  type DeleteObjectResult,
  type DeleteObjectsInput,
  type DeleteObjectsResult,
  StoreError,
} from '../contract/index.js';
import type { LocalContext } from './context.js';
import type { ObjectRecord } from './index/records.js';
import type { WriteTransaction } from './index/writer.js';
import { etagOf, versionId } from './object-info.js';
import { newRecord } from './put-object.js';
import {
  findLatest,
  findLive,
  findVersion,
  pushVersion,
  removeVersion,
  type Subject,
  subjectOf,
} from './version-store.js';

type Target = Omit<DeleteObjectInput, 'bucket' | 'signal'>;

export async function deleteObject(
  context: LocalContext,
  input: DeleteObjectInput,
): Promise<DeleteObjectResult> {
  context.buckets.read(input.bucket);
  return context.writer.run((transaction) => remove(context, transaction, input.bucket, input));
}

/** Each one is decided alone, all of them land in as few transactions as they fit in. */
export async function deleteObjects(
  context: LocalContext,
  input: DeleteObjectsInput,
): Promise<DeleteObjectsResult> {
  context.buckets.read(input.bucket);
  const outcomes = await Promise.allSettled(
    input.objects.map((target) =>
      context.writer.run((transaction) => remove(context, transaction, input.bucket, target)),
    ),
  );
  return outcomes.map((outcome) =>
    outcome.status === 'fulfilled' ? outcome.value : { error: outcome.reason as Error },
  );
}

function remove(
  context: LocalContext,
  transaction: WriteTransaction,
  bucket_name: string,
  target: Target,
): DeleteObjectResult {
  const bucket = context.buckets.write(bucket_name);
  const subject = subjectOf(bucket, target.key);
  if (target.version_id !== undefined) return removeOne(context, transaction, subject, target);
  const latest = findLatest(context, subject);
  evaluateDeleteCondition(latest && conditioned(latest), target.condition);
  if (bucket.versioning !== 'unversioned') return mark(context, transaction, subject, target);
  if (latest === undefined) return { delete_marker: false };
  requireUnlocked(latest, target, transaction.now_ms);
  removeVersion(context, transaction, subject, latest);
  report(transaction, subject, transaction.nextSequence(), 'delete', versionId(latest));
  return { delete_marker: false };
}

function removeOne(
  context: LocalContext,
  transaction: WriteTransaction,
  subject: Subject,
  target: Target,
): DeleteObjectResult {
  const version_id = target.version_id ?? '';
  const found = findVersion(context, subject, version_id);
  if (found === undefined) return { version_id, delete_marker: false };
  const { record } = found;
  evaluateDeleteCondition(conditioned(record), target.condition);
  requireUnlocked(record, target, transaction.now_ms);
  removeVersion(context, transaction, subject, record);
  report(transaction, subject, transaction.nextSequence(), 'delete', version_id);
  return { version_id, delete_marker: record.delete_marker };
}

/** S3 User Guide, "Working with delete markers": there is one even for a key that never had an object. */
function mark(
  context: LocalContext,
  transaction: WriteTransaction,
  subject: Subject,
  target: Target,
): DeleteObjectResult {
  const sequence = transaction.nextSequence();
  const attributes = target.owner === undefined ? {} : { owner: target.owner };
  const record: ObjectRecord = {
    ...newRecord(subject.bucket, transaction.now_ms, sequence, attributes),
    delete_marker: true,
  };
  pushVersion(context, transaction, subject, record, findLive(context, subject));
  const version_id = versionId(record);
  report(transaction, subject, sequence, 'delete_marker', version_id);
  return { version_id, delete_marker: true };
}

function conditioned(record: ObjectRecord) {
  return {
    etag: etagOf(record),
    size_bytes: record.size_bytes,
    modified_at_ms: record.modified_at_ms,
  };
}

/** S3 User Guide, "Object Lock": a legal hold has no way round it, GOVERNANCE has one, COMPLIANCE ends with its time. */
function requireUnlocked(record: ObjectRecord, target: Target, now_ms: number): void {
  const { retention, legal_hold } = record;
  const retained = retention !== null && retention.until_ms > now_ms;
  const bypassed = retention?.mode === 'GOVERNANCE' && target.bypass_governance === true;
  if (legal_hold || (retained && !bypassed)) {
    throw new StoreError('locked', 'the version is protected by object lock', { subject: 'version' });
  }
}

function report(
  transaction: WriteTransaction,
  subject: Subject,
  sequence: number,
  type: 'delete' | 'delete_marker',
  version_id: string,
): void {
  transaction.change({ sequence, type, bucket: subject.bucket.name, key: subject.key, version_id });
}
