import type {
  CompleteUploadInput,
  CreateUploadInput,
  ObjectInfo,
  PartInfo,
  UploadPartInput,
} from '../../contract/index.js';
import { bytesOf } from './bytes.js';
import type { Harness } from './harness.js';

/** Spread into every call about one upload. */
export interface Upload {
  readonly bucket: string;
  readonly key: string;
  readonly upload_id: string;
}

export async function beginUpload(
  harness: Harness,
  bucket: string,
  key: string,
  more: Partial<CreateUploadInput> = {},
): Promise<Upload> {
  const { upload_id } = await harness.store.createUpload({ bucket, key, ...more });
  return { bucket, key, upload_id };
}

export function sendPart(
  harness: Harness,
  upload: Upload,
  part_number: number,
  content: Uint8Array,
  more: Partial<UploadPartInput> = {},
): Promise<PartInfo> {
  return harness.store.uploadPart({
    ...upload,
    part_number,
    body: content,
    size_bytes: content.length,
    ...more,
  });
}

export function complete(
  harness: Harness,
  upload: Upload,
  parts: readonly PartInfo[],
  more: Partial<CompleteUploadInput> = {},
): Promise<ObjectInfo> {
  const named = parts.map(({ part_number, etag }) => ({ part_number, etag }));
  return harness.store.completeUpload({ ...upload, parts: named, ...more });
}

/** An object of the given parts, numbered from 1. */
export async function putParts(
  harness: Harness,
  bucket: string,
  key: string,
  contents: readonly Uint8Array[],
  more: Partial<CreateUploadInput> = {},
): Promise<ObjectInfo> {
  const upload = await beginUpload(harness, bucket, key, more);
  const parts = await Promise.all(
    contents.map((content, index) => sendPart(harness, upload, index + 1, content)),
  );
  return complete(harness, upload, parts);
}

/** Bytes of a part that need not be the last one. */
export function fullPart(harness: Harness, seed: number, extra_bytes = 0): Uint8Array {
  return bytesOf(seed, harness.store.capabilities.part_bytes_min + extra_bytes);
}
