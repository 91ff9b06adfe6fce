import { evaluateWriteCondition } from '../conditions.js';
import {
  isStoreError,
  type ObjectAddress,
  type ObjectInfo,
  StoreError,
  type WriteCondition,
} from '../contract/index.js';
import type { Headers } from './attributes.js';
import type { S3Context } from './context.js';
import { toStoreError } from './errors.js';
import { readInfo } from './read-info.js';

/** A condition in the terms that the upstream has. */
export interface UpstreamCondition {
  readonly if_match?: string;
  readonly if_none_match?: string;
  /** What the upstream's refusal means for the caller's condition. */
  refusal(cause: unknown): StoreError;
}

/**
 * S3 User Guide, "How to prevent object overwrites with conditional writes": AWS has If-None-Match with `*` and If-Match
 * with an ETag. What else the contract allows comes down to one of these for the object that is there now; when another
 * one takes its place before the write, that is a conflict, which the caller may repeat.
 */
export async function upstreamCondition(
  context: S3Context,
  address: Pick<ObjectAddress, 'bucket' | 'key' | 'signal'>,
  condition: WriteCondition | undefined,
): Promise<UpstreamCondition> {
  if (condition === undefined || context.habits.any_condition || isPlain(condition)) {
    return { ...condition, refusal: (cause) => asWriteError(toStoreError(cause), condition) };
  }
  const current = await readCurrent(context, address);
  evaluateWriteCondition(current, condition);
  const now = current === undefined ? { if_none_match: '*' } : { if_match: current.etag };
  return { ...now, refusal: asConflict };
}

function isPlain({ if_match, if_none_match }: WriteCondition): boolean {
  if (if_match !== undefined && if_none_match !== undefined) return false;
  return if_match !== '*' && (if_none_match === undefined || if_none_match === '*');
}

/** Undefined: there is none, or a delete marker. */
export async function readCurrent(
  context: S3Context,
  { bucket, key, signal }: Pick<ObjectAddress, 'bucket' | 'key' | 'signal'>,
): Promise<ObjectInfo | undefined> {
  try {
    return await readInfo(context, { bucket, key, signal });
  } catch (error) {
    if (isStoreError(error, 'delete_marker')) return undefined;
    if (isStoreError(error, 'not_found') && error.subject !== 'bucket') return undefined;
    throw error;
  }
}

function asConflict(cause: unknown): StoreError {
  const error = toStoreError(cause);
  const refused =
    error.kind === 'precondition_failed' || (error.kind === 'not_found' && error.subject === 'object');
  if (!refused) return error;
  return new StoreError('conflict', 'another writer was at it', { detail: error.detail, cause });
}

/** If-Match without an object to match is answered like a read of it. */
function asWriteError(error: StoreError, condition: WriteCondition | undefined): StoreError {
  if (condition?.if_match === undefined || error.kind !== 'not_found' || error.subject !== 'object')
    return error;
  return new StoreError('not_found', 'there is no object to match', { detail: error.detail, cause: error });
}

export function conditionHeaders({ if_match, if_none_match }: WriteCondition): Headers {
  return { 'if-match': quoted(if_match), 'if-none-match': quoted(if_none_match) };
}

export function quoted(etag: string): string;
export function quoted(etag: string | undefined): string | undefined;
export function quoted(etag: string | undefined): string | undefined {
  return etag === undefined || etag === '*' ? etag : `"${etag}"`;
}
