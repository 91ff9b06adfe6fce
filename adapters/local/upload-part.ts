import { evaluateSourceCondition, rangeBytes, resolveRange } from '../conditions.js';
import {
  type ChecksumAlgorithm,
  type CopyPartInput,
  type PartInfo,
  type ResolvedRange,
  StoreError,
  type UploadPartInput,
} from '../contract/index.js';
import { requirePartAlgorithm } from '../multipart-rules.js';
import type { WrittenBlob } from './blobs/blob-store.js';
import { commitContent, dropContent, ownContent, shareContent } from './content.js';
import type { LocalContext } from './context.js';
import type { PartRecord } from './index/content-records.js';
import { partKey } from './index/keys.js';
import type { ObjectRecord } from './index/records.js';
import type { UploadRecord } from './index/tables.js';
import type { WriteTransaction } from './index/writer.js';
import { objectInfo, versionId } from './object-info.js';
import { mayShareIn, protectionFor } from './protection.js';
import { DEFAULT_ALGORITHM } from './put-object.js';
import { findRecord, openBody } from './read-object.js';
import { needUpload, partInfo, type Upload, uploadOf } from './upload-store.js';

export async function uploadPart(context: LocalContext, input: UploadPartInput): Promise<PartInfo> {
  const upload = uploadOf(context.buckets.read(input.bucket), input);
  const record = needUpload(context, upload);
  const algorithm = partAlgorithm(record, input.expect?.checksum?.algorithm);
  await context.space.admit(input.size_bytes);
  const protection = protectionFor(context, input.bucket, record.attributes.headers);
  const { body, size_bytes, expect, signal } = input;
  const written = await context.blobs.write({ body, size_bytes, expect, algorithm, protection, signal });
  return commitPart(context, input, written, algorithm);
}

function partAlgorithm(upload: UploadRecord, asked: ChecksumAlgorithm | undefined): ChecksumAlgorithm {
  const declared = upload.checksum?.algorithm;
  requirePartAlgorithm(declared, asked);
  return declared ?? asked ?? DEFAULT_ALGORITHM;
}

function commitPart(
  context: LocalContext,
  input: {
    readonly bucket: string;
    readonly key: string;
    readonly upload_id: string;
    readonly part_number: number;
  },
  written: WrittenBlob,
  algorithm: ChecksumAlgorithm,
): Promise<PartInfo> {
  return commitContent(context, [written], (transaction) => {
    const upload = uploadOf(context.buckets.write(input.bucket), input);
    needUpload(context, upload);
    const sequence = transaction.nextSequence();
    return putPart(context, transaction, upload, {
      part_number: input.part_number,
      size_bytes: written.record.size_bytes,
      md5: written.md5.toString('hex'),
      modified_at_ms: transaction.now_ms,
      ...ownContent(context, written.record, sequence),
      sequence,
      checksum: { algorithm, type: 'FULL_OBJECT', value: written.checksum.toString('base64') },
    });
  });
}

/** In place of an earlier part of that number. */
function putPart(
  context: LocalContext,
  transaction: WriteTransaction,
  upload: Upload,
  part: PartRecord,
): PartInfo {
  const key = partKey(upload.id, part.part_number);
  const earlier = context.tables.parts.get(key);
  if (earlier !== undefined) dropPart(context, transaction, upload.bucket.id, earlier);
  void context.tables.parts.put(key, part);
  transaction.count(upload.bucket.id, { stored_bytes: part.size_bytes });
  return partInfo(part);
}

/** The caller removes or replaces its row. Inside a transaction. */
export function dropPart(
  context: LocalContext,
  transaction: WriteTransaction,
  bucket_id: number,
  part: PartRecord,
): void {
  dropContent(context, transaction, { ...part, manifest_id: 0 });
  transaction.count(bucket_id, { stored_bytes: -part.size_bytes });
}

type CopyPartResult = PartInfo & { readonly source_version_id: string };

/** S3 API reference, "UploadPartCopy". A whole object in one blob is shared; anything else is written as new content. */
export async function copyPart(context: LocalContext, input: CopyPartInput): Promise<CopyPartResult> {
  const upload = uploadOf(context.buckets.read(input.bucket), input);
  const upload_record = needUpload(context, upload);
  const algorithm = partAlgorithm(upload_record, undefined);
  const { record, range } = findSource(context, input);
  const source_version_id = versionId(record);
  if (range === null && record.checksum?.algorithm === algorithm && mayShare(context, input, record)) {
    const part = await context.writer.run((transaction) => sharePart(context, transaction, input));
    return { ...part, source_version_id };
  }
  const size_bytes = rangeBytes(range, record);
  await context.space.admit(size_bytes);
  const protection = protectionFor(context, input.bucket, upload_record.attributes.headers);
  const written = await context.blobs.write({
    body: openBody(context, record, range),
    size_bytes,
    algorithm,
    protection,
    signal: input.signal,
  });
  return { ...(await commitPart(context, input, written, algorithm)), source_version_id };
}

function mayShare(context: LocalContext, input: CopyPartInput, record: ObjectRecord): boolean {
  if (record.content === 'empty') return true;
  return record.content !== 'manifest' && mayShareIn(context, input.bucket, record.codec);
}

function findSource(
  context: LocalContext,
  input: CopyPartInput,
): { record: ObjectRecord; range: ResolvedRange | null } {
  const { source } = input;
  const { record, is_latest } = findRecord(context, context.buckets.read(source.bucket), source);
  evaluateSourceCondition(objectInfo(record, source.key, is_latest), source.condition);
  if (source.range === undefined) return { record, range: null };
  const range = resolveRange(record.size_bytes, source.range);
  const whole = range.start === 0 && range.end === record.size_bytes - 1;
  return { record, range: whole ? null : range };
}

function sharePart(context: LocalContext, transaction: WriteTransaction, input: CopyPartInput): PartInfo {
  const upload = uploadOf(context.buckets.write(input.bucket), input);
  needUpload(context, upload);
  const { record } = findSource(context, input);
  const { content, codec, checksum, sha256, blob_id } = record;
  if (content === 'manifest' || checksum === null || sha256 === null || !mayShare(context, input, record)) {
    throw new StoreError('conflict', 'the source changed while it was copied');
  }
  const sequence = transaction.nextSequence();
  shareContent(context, record, sequence);
  return putPart(context, transaction, upload, {
    part_number: input.part_number,
    size_bytes: record.size_bytes,
    md5: record.md5,
    modified_at_ms: transaction.now_ms,
    content,
    codec,
    sequence,
    sha256,
    blob_id,
    checksum,
  });
}
