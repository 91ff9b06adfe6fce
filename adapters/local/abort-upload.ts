import type { UploadAddress } from '../contract/index.js';
import type { LocalContext } from './context.js';
import { addGarbage } from './garbage.js';
import { bucketKey, partKey, successor, UPLOAD_ID_BYTES } from './index/keys.js';
import type { BucketRecord } from './index/tables.js';
import { dropPart } from './upload-part.js';
import { needUpload, partsOf, uploadOf } from './upload-store.js';

/** Parts that one transaction lets go of: ten thousand at once would hold up everyone else's writes. */
const PARTS_PER_TRANSACTION = 500;

/**
 * The upload is gone with the first transaction; its parts follow in slices. A crash in between leaves the garbage
 * entry, by which `maintain` goes on.
 */
export async function abortUpload(context: LocalContext, input: UploadAddress): Promise<void> {
  context.buckets.read(input.bucket);
  const upload = await context.writer.run(() => {
    const found = uploadOf(context.buckets.write(input.bucket), input);
    needUpload(context, found);
    return { ...found, garbage_key: discardUpload(context, found.bucket.id, found.row_key) };
  });
  await drainUpload(context, upload.garbage_key, upload.id, upload.bucket.id);
}

/** Inside a transaction. */
function discardUpload(context: LocalContext, bucket_id: number, row_key: Buffer): Buffer {
  void context.tables.uploads.remove(row_key);
  const id = row_key.subarray(row_key.length - UPLOAD_ID_BYTES);
  return addGarbage(context.tables, 0, 'upload', id, bucketKey(bucket_id));
}

/** All uploads of a bucket that is about to be removed. Inside a transaction. */
export function abortUploadsOf(context: LocalContext, bucket: BucketRecord): void {
  const start = bucketKey(bucket.id);
  const end = successor(start);
  for (const row_key of [...context.tables.uploads.getKeys({ start, ...(end && { end }) })]) {
    discardUpload(context, bucket.id, Buffer.from(row_key));
  }
}

export async function drainUpload(
  context: LocalContext,
  garbage_key: Buffer,
  id: Buffer,
  bucket_id: number,
): Promise<void> {
  for (let done = false; !done; ) {
    done = await context.writer.run((transaction) => {
      const parts = [];
      for (const part of partsOf(context, id)) {
        parts.push(part);
        if (parts.length === PARTS_PER_TRANSACTION) break;
      }
      for (const part of parts) {
        dropPart(context, transaction, bucket_id, part);
        void context.tables.parts.remove(partKey(id, part.part_number));
      }
      if (parts.length === PARTS_PER_TRANSACTION) return false;
      void context.tables.garbage.remove(garbage_key);
      return true;
    });
  }
}
