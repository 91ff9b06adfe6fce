/**
 * The closed set of ways in which storage can fail. Each adapter maps its own errors to these once, at its
 * border; each door maps these to its own wire errors once, in a table. Retry trusts the kind alone.
 */
export const ERROR_KINDS = [
  'not_found', // the subject (bucket, object, version, upload, document) does not exist
  'already_exists', // createBucket: the name is taken; `detail.owner` says by whom
  'not_empty', // deleteBucket: objects or versions are left
  'not_modified', // read condition: the client's copy is current; `detail.info` carries the object
  'precondition_failed', // a read or write condition does not hold; `detail.condition` names its header where it is known
  'conflict', // the same operation is under way, or the state forbids it (e.g. suspend versioning under a lock)
  'range_not_satisfiable', // `detail.size_bytes` carries the object's size
  'digest_mismatch', // the body does not match a digest or size that the caller promised; `detail.algorithm`
  'invalid_part', // complete: a part is missing or its ETag or checksum differs
  'invalid_part_order', // complete: part numbers do not rise
  'part_too_small', // complete: a part but the last is below capabilities.part_bytes_min
  'locked', // retention or legal hold protects the version
  'delete_marker', // the version asked for is a delete marker; `detail.version_id`, `detail.modified_at_ms`
  'access_denied',
  'throttled',
  'unsupported', // the adapter does not declare the capability; `detail.capability`
  'invalid', // the request can never succeed as it is, on any adapter
  'corrupt', // stored bytes no longer match their digest
  'no_space', // the disk or the quota is full
  'unavailable', // cannot answer now; may succeed later. `detail.timed_out`: finding that out took a whole timeout
  'unexpected',
] as const;

export type ErrorKind = (typeof ERROR_KINDS)[number];

/** What an error is about. */
export type ErrorSubject =
  | 'bucket'
  | 'object'
  | 'version'
  | 'upload'
  | 'part'
  | 'document'
  | 'body'
  | 'adapter';

export interface StoreErrorOptions {
  readonly subject?: ErrorSubject;
  readonly detail?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** The only error class that leaves an adapter, but for errors thrown by a caller's own body stream. */
export class StoreError extends Error {
  readonly kind: ErrorKind;
  readonly subject: ErrorSubject;
  readonly detail: Readonly<Record<string, unknown>>;

  constructor(kind: ErrorKind, message: string, options: StoreErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'StoreError';
    this.kind = kind;
    this.subject = options.subject ?? 'object';
    this.detail = options.detail ?? {};
  }
}

export function isStoreError(error: unknown, kind?: ErrorKind): error is StoreError {
  return error instanceof StoreError && (kind === undefined || error.kind === kind);
}

/** Whether it passes by itself: the storage cannot answer now, or asks for patience. */
export function isTransient(
  error: unknown,
): error is StoreError & { readonly kind: 'unavailable' | 'throttled' } {
  return isStoreError(error, 'unavailable') || isStoreError(error, 'throttled');
}

/** An `unsupported` error naming the missing capability. */
export function unsupported(adapter: string, capability: string): StoreError {
  return new StoreError('unsupported', `${adapter} does not support ${capability}`, {
    subject: 'adapter',
    detail: { capability },
  });
}
