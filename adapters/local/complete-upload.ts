import { createHash } from 'node:crypto';
import { LIMITS } from '../../config/limits.js';
import { evaluateWriteCondition } from '../conditions.js';
import {
  type CompletedPart,
  type CompleteUploadInput,
  type ObjectInfo,
  StoreError,
} from '../contract/index.js';
import { chooseParts, requireChecksum, requirePartOrder, requireSize } from '../multipart-rules.js';
import type { LocalContext } from './context.js';
import { addGarbage } from './garbage.js';
import type { PartRecord } from './index/content-records.js';
import { partKey } from './index/keys.js';
import type { ObjectRecord } from './index/records.js';
import type { WriteTransaction } from './index/writer.js';
import { etagOf, objectInfo } from './object-info.js';
import { newRecord, publishVersion } from './put-object.js';
import { uploadChecksum } from './upload-checksum.js';
import { dropPart } from './upload-part.js';
import { noSuchUpload, partsOf, type Upload, uploadOf } from './upload-store.js';
import { findLive, subjectOf } from './version-store.js';

/**
 * One transaction that copies no bytes: the parts' rows become the manifest of the object, and with it their hold on
 * their blobs.
 */
export async function completeUpload(context: LocalContext, input: CompleteUploadInput): Promise<ObjectInfo> {
  context.buckets.read(input.bucket);
  await context.space.admit(0);
  return context.writer.run((transaction) => complete(context, transaction, input));
}

function complete(
  context: LocalContext,
  transaction: WriteTransaction,
  input: CompleteUploadInput,
): ObjectInfo {
  const upload = uploadOf(context.buckets.write(input.bucket), input);
  const record = context.tables.uploads.get(upload.row_key);
  if (record === undefined) return completedBefore(context, upload, input);
  const stored = new Map<number, PartRecord>();
  for (const part of partsOf(context, upload.id)) stored.set(part.part_number, part);
  requirePartOrder(input.parts);
  const parts = chooseParts(input.parts, {
    find: (named) => find(stored, named),
    sizeOf: ({ size_bytes }) => size_bytes,
    part_bytes_min: context.settings.part_bytes_min,
  });
  const size_bytes = parts.reduce((sum, part) => sum + part.size_bytes, 0);
  requireSize(input.size_bytes, size_bytes);
  if (size_bytes > LIMITS.object_bytes_max) {
    throw new StoreError('invalid', 'the object is too large', {
      detail: { bytes_max: LIMITS.object_bytes_max },
    });
  }
  const checksum = uploadChecksum(record.checksum, parts);
  requireChecksum(input.checksum, checksum, parts.length, record.checksum);
  const subject = subjectOf(upload.bucket, upload.key);
  const live = findLive(context, subject);
  evaluateWriteCondition(live && { etag: etagOf(live) }, input.condition);

  const sequence = transaction.nextSequence();
  const object: ObjectRecord = {
    ...newRecord(upload.bucket, transaction.now_ms, sequence, record.attributes),
    size_bytes,
    md5: md5Of(parts),
    parts_count: parts.length,
    content: 'manifest',
    manifest_id: sequence,
    checksum,
  };
  context.manifests.add(sequence, parts);
  closeUpload(context, transaction, upload, stored, new Set(parts));
  remember(context, transaction, upload, sequence, input.parts);
  return publishVersion(context, transaction, subject, object, live);
}

function find(stored: ReadonlyMap<number, PartRecord>, named: CompletedPart): PartRecord | undefined {
  const part = stored.get(named.part_number);
  if (part === undefined || part.md5 !== named.etag) return undefined;
  const { checksum: asked } = named;
  const same = asked?.algorithm === part.checksum.algorithm && asked.value === part.checksum.value;
  return asked === undefined || same ? part : undefined;
}

function md5Of(parts: readonly PartRecord[]): string {
  const hash = createHash('md5');
  for (const part of parts) hash.update(part.md5, 'hex');
  return hash.digest('hex');
}

/** Parts that were not chosen are let go of; the manifest took over the others. */
function closeUpload(
  context: LocalContext,
  transaction: WriteTransaction,
  upload: Upload,
  stored: ReadonlyMap<number, PartRecord>,
  chosen: ReadonlySet<PartRecord>,
): void {
  for (const part of stored.values()) {
    void context.tables.parts.remove(partKey(upload.id, part.part_number));
    // Counted as a part until now; the version counts it from here on.
    if (chosen.has(part)) transaction.count(upload.bucket.id, { stored_bytes: -part.size_bytes });
    else dropPart(context, transaction, upload.bucket.id, part);
  }
  void context.tables.uploads.remove(upload.row_key);
}

function digestOf(parts: readonly CompletedPart[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.part_number}:${part.etag};`);
  return hash.digest('base64');
}

function remember(
  context: LocalContext,
  transaction: WriteTransaction,
  upload: Upload,
  sequence: number,
  parts: readonly CompletedPart[],
): void {
  const { tables, settings } = context;
  void tables.completed.put(upload.row_key, { sequence, parts: digestOf(parts) });
  const forget_at_ms = transaction.now_ms + settings.completed_kept_ms - settings.garbage_grace_ms;
  addGarbage(tables, Math.max(0, forget_at_ms), 'completed', upload.row_key);
}

/** The answer to the first completion may have been lost on its way. */
function completedBefore(context: LocalContext, upload: Upload, input: CompleteUploadInput): ObjectInfo {
  const completed = context.tables.completed.get(upload.row_key);
  const live = findLive(context, subjectOf(upload.bucket, upload.key));
  if (
    completed !== undefined &&
    live?.sequence === completed.sequence &&
    completed.parts === digestOf(input.parts)
  ) {
    return objectInfo(live, upload.key, true);
  }
  throw noSuchUpload(input);
}
