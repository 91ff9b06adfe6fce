import { evaluateDeleteCondition } from '../conditions.js';
import {
  type DeleteObjectInput,
  type DeleteObjectResult,
  isStoreError,
  type ObjectAddress,
  StoreError,
  type VersioningState,
} from '../contract/index.js';
import { keyProblem } from '../key-rules.js';
import { text } from './attributes.js';
import type { S3Context } from './context.js';
import { deleteBatch, fitsXml } from './delete-batch.js';
import { NOTHING, toResult, wasMissing } from './delete-results.js';
import { toStoreError } from './errors.js';
import { readInfo } from './read-info.js';

export async function deleteObject(
  context: S3Context,
  input: DeleteObjectInput,
): Promise<DeleteObjectResult> {
  const { versioning } = await context.buckets.info(input.bucket, input.signal);
  return deleteOne(context, input, versioning);
}

/** The bucket is there. */
export async function deleteOne(
  context: S3Context,
  input: DeleteObjectInput,
  versioning: VersioningState,
): Promise<DeleteObjectResult> {
  const { bucket, key, version_id, bypass_governance, signal } = input;
  if (keyProblem(context.capabilities.keys, key) !== undefined) return NOTHING;
  if (mustBeBatched(context, input)) {
    const [result] = await deleteBatch(context, { bucket, objects: [input], signal });
    if (result !== undefined && 'error' in result) throw result.error;
    return result ?? NOTHING;
  }
  try {
    const { headers } = await context.upstream.sendForText({
      method: 'DELETE',
      bucket,
      key,
      query: { versionId: version_id },
      headers: {
        'if-match': await etagToMatch(context, input),
        'x-amz-bypass-governance-retention': bypass_governance === true ? 'true' : undefined,
      },
      signal,
    });
    if (!context.capabilities.versioning) return NOTHING;
    const told = text(headers, 'x-amz-version-id') ?? version_id;
    if (told === undefined && versioning === 'suspended') return nullMarker(context, input);
    return toResult(told, text(headers, 'x-amz-delete-marker') === 'true', version_id);
  } catch (cause) {
    const error = toStoreError(cause);
    if (wasMissing(error, version_id)) return toResult(version_id, false, version_id);
    throw error;
  }
}

/** MinIO leaves a null delete marker where it is while versioning is enabled, but for DeleteObjects. */
function mustBeBatched({ habits }: S3Context, { key, version_id, condition }: DeleteObjectInput): boolean {
  return version_id === 'null' && !habits.deletes_null_markers && condition === undefined && fitsXml(key);
}

/**
 * Servers know If-Match with an ETag; whatever else a condition says is looked at here, and the ETag makes sure that the
 * object deleted is the one that was looked at.
 */
async function etagToMatch(context: S3Context, input: DeleteObjectInput): Promise<string | undefined> {
  const { condition } = input;
  if (condition === undefined) return undefined;
  const info = await readInfo(context, input);
  evaluateDeleteCondition(info, condition);
  return `"${info.etag}"`;
}

/** MinIO does not tell of the marker that a delete makes while versioning is suspended. */
async function nullMarker(
  context: S3Context,
  { bucket, key, signal }: ObjectAddress,
): Promise<DeleteObjectResult> {
  try {
    await context.upstream.sendForText({ method: 'HEAD', bucket, key, signal });
    return NOTHING;
  } catch (error) {
    if (!isStoreError(error)) throw error;
    const { delete_marker, version_id } = error.detail;
    const is_null = version_id === undefined || version_id === 'null';
    if (delete_marker === true && is_null) return { delete_marker: true, version_id: 'null' };
    if (error.kind === 'not_found') return NOTHING;
    throw new StoreError(error.kind, error.message, {
      subject: error.subject,
      detail: error.detail,
      cause: error,
    });
  }
}
