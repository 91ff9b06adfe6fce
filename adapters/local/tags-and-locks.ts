import {
  type LockInput,
  type ObjectAddress,
  type Retention,
  StoreError,
  type Tags,
  type TagsResult,
} from '../contract/index.js';
import type { LocalContext } from './context.js';
import type { ObjectRecord } from './index/records.js';
import { deleteMarkerError, etagOf, versionId } from './object-info.js';
import { findRecord } from './read-object.js';
import { needVersion, rewriteVersion, subjectOf } from './version-store.js';

export function getTags(context: LocalContext, input: ObjectAddress): TagsResult {
  const { record } = findRecord(context, context.buckets.read(input.bucket), input);
  return { tags: record.tags, version_id: versionId(record) };
}

export async function putTags(
  context: LocalContext,
  input: ObjectAddress & { readonly tags: Tags },
): Promise<TagsResult> {
  const record = await changeVersion(context, input, (found) => ({ ...found, tags: input.tags }));
  return { tags: record.tags, version_id: versionId(record) };
}

export async function putLegalHold(
  context: LocalContext,
  input: ObjectAddress & { readonly legal_hold: boolean },
): Promise<void> {
  requireLockable(context, input.bucket);
  await changeVersion(context, input, (found) => ({ ...found, legal_hold: input.legal_hold }));
}

export async function putRetention(context: LocalContext, input: LockInput): Promise<void> {
  requireLockable(context, input.bucket);
  await changeVersion(context, input, (found, now_ms) => {
    requireAllowed(found.retention, input, now_ms);
    return { ...found, retention: input.retention };
  });
}

function requireLockable(context: LocalContext, bucket: string): void {
  if (context.buckets.read(bucket).object_lock) return;
  throw new StoreError('invalid', 'the bucket was not made with object lock', { subject: 'bucket' });
}

/**
 * S3 User Guide, "Object Lock": retention may always be made longer. GOVERNANCE can be loosened with the right to
 * bypass it; COMPLIANCE by nobody until its time has passed.
 */
function requireAllowed(current: Retention | null, input: LockInput, now_ms: number): void {
  if (current === null || current.until_ms <= now_ms) return;
  const { retention } = input;
  const extends_it =
    retention !== null && retention.mode === current.mode && retention.until_ms >= current.until_ms;
  if (extends_it || (current.mode === 'GOVERNANCE' && input.bypass_governance === true)) return;
  throw new StoreError('locked', 'the retention of the version forbids it', { subject: 'version' });
}

function changeVersion(
  context: LocalContext,
  input: ObjectAddress,
  change: (record: ObjectRecord, now_ms: number) => ObjectRecord,
): Promise<ObjectRecord> {
  return context.writer.run((transaction) => {
    const subject = subjectOf(context.buckets.write(input.bucket), input.key);
    const found = needVersion(context, subject, input.version_id);
    if (found.record.delete_marker) throw deleteMarkerError(found.record, found.is_latest);
    const record = change(found.record, transaction.now_ms);
    rewriteVersion(context, subject, record);
    transaction.change({
      sequence: transaction.nextSequence(),
      type: 'metadata',
      bucket: input.bucket,
      key: input.key,
      version_id: versionId(record),
      etag: etagOf(record),
      size_bytes: record.size_bytes,
    });
    return record;
  });
}
