import { type ObjectChecksum, type PartInfo, StoreError, type UploadInfo } from '../contract/index.js';
import type { LocalContext } from './context.js';
import type { PartRecord } from './index/content-records.js';
import { partKey, successor, UPLOAD_ID_BYTES, uploadKey } from './index/keys.js';
import type { BucketRecord, UploadRecord } from './index/tables.js';
import { DEFAULT_STORAGE_CLASS } from './put-object.js';

/** An unfinished upload: one row of `uploads`, and one of `parts` for each part. */
export interface Upload {
  readonly bucket: BucketRecord;
  readonly key: string;
  /** UTF-8. */
  readonly raw_key: Buffer;
  readonly id: Buffer;
  /** Key of the tables `uploads` and `completed`. */
  readonly row_key: Buffer;
}

export interface UploadName {
  readonly key: string;
  readonly upload_id: string;
}

/** Undefined for what was never given out as an upload id. */
export function parseUploadId(upload_id: string): Buffer | undefined {
  const id = Buffer.from(upload_id.slice(1), 'hex');
  return id.length === UPLOAD_ID_BYTES && uploadId(id) === upload_id ? id : undefined;
}

/** It begins with a letter, as version ids do. */
export function uploadId(id: Buffer): string {
  return `u${id.toString('hex')}`;
}

/** The id at the end of a key of the table `uploads`. */
export function uploadIdOfRow(row_key: Buffer): string {
  return uploadId(row_key.subarray(row_key.length - UPLOAD_ID_BYTES));
}

export function uploadOf(bucket: BucketRecord, name: UploadName): Upload {
  const id = parseUploadId(name.upload_id);
  if (id === undefined) throw noSuchUpload(name);
  const raw_key = Buffer.from(name.key, 'utf8');
  return { bucket, key: name.key, raw_key, id, row_key: uploadKey(bucket.id, raw_key, id) };
}

/** Fails with not_found. */
export function needUpload(context: LocalContext, upload: Upload): UploadRecord {
  const record = context.tables.uploads.get(upload.row_key);
  if (record !== undefined) return record;
  throw noSuchUpload({ key: upload.key, upload_id: uploadId(upload.id) });
}

export function noSuchUpload(name: UploadName): StoreError {
  return new StoreError('not_found', `there is no upload ${name.upload_id} of ${name.key}`, {
    subject: 'upload',
  });
}

/** Rising part numbers, from `from` on. */
export function* partsOf(context: LocalContext, id: Buffer, from = 0): Generator<PartRecord> {
  const end = successor(id);
  for (const { value } of context.tables.parts.getRange({ start: partKey(id, from), ...(end && { end }) })) {
    yield value;
  }
}

export function uploadInfo(upload_id: string, key: string, record: UploadRecord): UploadInfo {
  return {
    key,
    upload_id,
    created_at_ms: record.created_at_ms,
    owner: record.attributes.owner ?? '',
    initiator: record.initiator,
    storage_class: record.attributes.storage_class ?? DEFAULT_STORAGE_CLASS,
    checksum: record.checksum,
    system: record.attributes.system ?? {},
  };
}

export function partInfo(part: PartRecord): PartInfo {
  const checksum: ObjectChecksum = part.checksum;
  return {
    part_number: part.part_number,
    etag: part.md5,
    size_bytes: part.size_bytes,
    modified_at_ms: part.modified_at_ms,
    checksum,
  };
}
