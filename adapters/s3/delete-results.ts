import type { DeleteObjectResult, StoreError } from '../contract/index.js';

export const NOTHING: DeleteObjectResult = { delete_marker: false };

/** `version_id` as the upstream told it, or as it was asked for. */
export function toResult(
  version_id: string | undefined,
  delete_marker: boolean,
  asked: string | undefined,
): DeleteObjectResult {
  // Of an unversioned object nothing is told but that it is gone.
  if (version_id === undefined) return NOTHING;
  if (version_id === 'null' && asked === undefined && !delete_marker) return NOTHING;
  return { version_id, delete_marker };
}

/** Deleting what is not there succeeds; an id of a form that the upstream does not know is not there either. */
export function wasMissing(error: StoreError, version_id: string | undefined): boolean {
  if (error.kind === 'not_found') return error.subject !== 'bucket';
  return error.kind === 'invalid' && version_id !== undefined && error.detail.code === 'InvalidArgument';
}
