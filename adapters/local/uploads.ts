import type {
  CreateUploadInput,
  ListEntry,
  ListPartsInput,
  ListPartsResult,
  ListUploadsInput,
  ListUploadsResult,
  PartInfo,
  UploadInfo,
  UploadPosition,
} from '../contract/index.js';
import type { LocalContext } from './context.js';
import { bucketKey, groupedKey, readGroupedKey, successor, uploadKey } from './index/keys.js';
import type { BucketRecord, UploadRecord } from './index/tables.js';
import { commonPrefix, listStart } from './list-prefix.js';
import { sequenceTag } from './object-info.js';
import { randomTag } from './random-tag.js';
import {
  needUpload,
  parseUploadId,
  partInfo,
  partsOf,
  uploadId,
  uploadIdOfRow,
  uploadInfo,
  uploadOf,
} from './upload-store.js';

export async function createUpload(context: LocalContext, input: CreateUploadInput): Promise<UploadInfo> {
  context.buckets.read(input.bucket);
  await context.space.admit(0);
  return context.writer.run((transaction) => {
    const bucket = context.buckets.write(input.bucket);
    // Ids rise with time, and cannot be guessed.
    const tagged = sequenceTag({ sequence: transaction.nextSequence(), tag: randomTag() });
    const upload_id = uploadId(Buffer.from(tagged, 'hex'));
    const record: UploadRecord = {
      created_at_ms: transaction.now_ms,
      attributes: input.attributes ?? {},
      initiator: input.initiator ?? '',
      checksum: input.checksum ?? null,
    };
    const { row_key } = uploadOf(bucket, { key: input.key, upload_id });
    void context.tables.uploads.put(row_key, record);
    return uploadInfo(upload_id, input.key, record);
  });
}

export async function listParts(context: LocalContext, input: ListPartsInput): Promise<ListPartsResult> {
  const upload = uploadOf(context.buckets.read(input.bucket), input);
  const record = needUpload(context, upload);
  const info = uploadInfo(input.upload_id, input.key, record);
  const parts: PartInfo[] = [];
  for (const part of partsOf(context, upload.id, (input.after ?? 0) + 1)) {
    const last = parts.at(-1);
    if (parts.length === input.limit && last !== undefined)
      return { upload: info, parts, next: last.part_number };
    parts.push(partInfo(part));
  }
  return { upload: info, parts, next: null };
}

/** Like listObjects, over the keys of unfinished uploads. */
export async function listUploads(
  context: LocalContext,
  input: ListUploadsInput,
): Promise<ListUploadsResult> {
  const bucket = context.buckets.read(input.bucket);
  const prefix = Buffer.from(input.prefix ?? '', 'utf8');
  const delimiter = Buffer.from(input.delimiter ?? '', 'utf8');
  const end = successor(bucketKey(bucket.id));
  const entries: ListEntry<UploadInfo>[] = [];
  let next: UploadPosition | null = null;
  let start = firstRow(bucket, prefix, delimiter, input.after);
  while (start !== undefined) {
    const range = context.tables.uploads.getRange({ start, ...(end && { end }) });
    start = undefined;
    for (const { key: row_key, value } of range) {
      const { key } = readGroupedKey(row_key);
      if (!key.subarray(0, prefix.length).equals(prefix)) break;
      if (entries.length === input.limit) return { entries, next };
      const common = delimiter.length === 0 ? 0 : commonPrefix(key, prefix.length, delimiter);
      if (common > 0) {
        const text = key.toString('utf8', 0, common);
        entries.push({ type: 'prefix', prefix: text });
        next = { key: text };
        const beyond = successor(key.subarray(0, common));
        start = beyond && groupedKey(bucket.id, beyond);
        break;
      }
      const item = rowInfo(row_key, key, value);
      entries.push({ type: 'item', item });
      next = { key: item.key, upload_id: item.upload_id };
    }
  }
  return { entries, next: null };
}

function rowInfo(row_key: Buffer, key: Buffer, record: UploadRecord): UploadInfo {
  return uploadInfo(uploadIdOfRow(row_key), key.toString('utf8'), record);
}

function firstRow(
  bucket: BucketRecord,
  prefix: Buffer,
  delimiter: Buffer,
  after: UploadPosition | undefined,
): Buffer | undefined {
  const after_key = after === undefined ? undefined : Buffer.from(after.key, 'utf8');
  const id = after?.upload_id === undefined ? undefined : parseUploadId(after.upload_id);
  const from = listStart(prefix, delimiter, after_key);
  if (from === undefined) return undefined;
  // Within a key only where the key itself is listed: not before the prefix, not under a common prefix.
  const within =
    after_key !== undefined &&
    id !== undefined &&
    after_key.subarray(0, prefix.length).equals(prefix) &&
    (delimiter.length === 0 || commonPrefix(after_key, prefix.length, delimiter) === 0);
  if (!within) return groupedKey(bucket.id, from);
  return Buffer.concat([uploadKey(bucket.id, after_key, id), Buffer.from([0])]);
}
