import { LIMITS } from '../../config/limits.js';
import {
  isStoreError,
  isTransient,
  type MaintainInput,
  type MaintainResult,
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
    const limit = LIMITS.upstream_upload_records_swept;
    try {
      const page = await context.uploads.listSome(after, limit, signal);
      for (const { bucket, record } of page) {
        signal?.throwIfAborted();
        const { key, upload_id, created_at_ms } = record.info;
        if (now_ms - created_at_ms < LIMITS.upstream_upload_record_age_ms) continue;
        const upload = { bucket, key, upload_id, ...(signal === undefined ? {} : { signal }) };
        if (await isGone(context, upload)) await context.uploads.remove(bucket, upload_id);
      }
      after = page.length < limit ? '' : (page.at(-1)?.place ?? '');
    } catch (cause) {
      signal?.throwIfAborted();
      const error = toStoreError(cause);
      // It can wait, and the upkeep of other storage must not.
      if (!isTransient(error)) throw error;
    }
    return NOTHING;
  };
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
