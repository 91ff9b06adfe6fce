import { LIMITS } from '../../config/limits.js';
import {
  isStoreError,
  isTransient,
  type MaintainInput,
  type MaintainResult,
  type StoreError,
  type UploadAddress,
} from '../contract/index.js';
import type { S3Context } from './context.js';
import { toStoreError } from './errors.js';
import { listUpstreamParts } from './list-parts.js';

type Maintenance = (input: MaintainInput) => Promise<MaintainResult>;

const NOTHING: MaintainResult = { removed_blobs: 0, freed_bytes: 0 };

/**
 * Removes the records of uploads that are gone upstream: completed by a node that ended before it removed the record,
 * aborted by others, or by a rule of the upstream. One page a call; the next call goes on behind it. Several nodes may do
 * it at once: a record is written after its upload has begun, and ids are never used again.
 */
export function createMaintenance(context: S3Context): Maintenance {
  let after = '';
  return async ({ now_ms, signal }) => {
    if (!context.capabilities.multipart) return NOTHING;
    try {
      const limit = LIMITS.upstream_upload_records_swept;
      const { uploads, next } = await context.uploads.listSome(after, limit, signal);
      let lasting: StoreError | undefined;
      for (const { bucket, record } of uploads) {
        const { key, upload_id, created_at_ms } = record.info;
        if (now_ms - created_at_ms < LIMITS.upstream_upload_record_age_ms) continue;
        const upload = { bucket, key, upload_id, signal };
        lasting = (await removeIfGone(context, upload)) ?? lasting;
      }
      after = next ?? '';
      if (lasting !== undefined) throw lasting;
    } catch (cause) {
      signal?.throwIfAborted();
      const error = toStoreError(cause);
      // It can wait, and the upkeep of other storage must not.
      if (!isTransient(error)) throw error;
    }
    return NOTHING;
  };
}

/**
 * Resolves with an error that does not pass by itself: a bucket that is forbidden must not keep the sweep from the others.
 * Errors: those that do.
 */
async function removeIfGone(context: S3Context, upload: UploadAddress): Promise<StoreError | undefined> {
  upload.signal?.throwIfAborted();
  try {
    if (await isGone(context, upload)) await context.uploads.remove(upload.bucket, upload.upload_id);
    return undefined;
  } catch (cause) {
    upload.signal?.throwIfAborted();
    const error = toStoreError(cause);
    if (isTransient(error)) throw error;
    return error;
  }
}

/** With its bucket, or alone. */
async function isGone(context: S3Context, upload: UploadAddress): Promise<boolean> {
  try {
    await listUpstreamParts(context, { ...upload, limit: 1 });
    return false;
  } catch (error) {
    if (isStoreError(error, 'not_found')) return true;
    throw error;
  }
}
