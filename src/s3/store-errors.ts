import { isStoreError, type StoreError } from '../../adapters/contract/index.js';
import { LIMITS } from '../../config/limits.js';
import { formatHttpDate } from '../wire/http-date.js';
import { type ErrorCode, S3Error, type S3ErrorOptions } from './errors.js';

/** What of a request the wording of an error depends on. */
export interface ErrorScene {
  readonly bucket: string;
  readonly key: string;
  /** The version that the client asked for by id. */
  readonly version_id: string | undefined;
  readonly upload_id: string | undefined;
  /** Canonical id of who asks. */
  readonly identity_id: string;
}

/** What any failure of an operation is on the wire. Errors that nobody foresaw become InternalError. */
export function toS3Error(error: unknown, scene: ErrorScene): S3Error {
  if (error instanceof S3Error) return error;
  if (isStoreError(error)) return fromStoreError(error, scene);
  return new S3Error('InternalError', { cause: error });
}

/** The one place where storage errors become S3 errors. */
function fromStoreError(error: StoreError, scene: ErrorScene): S3Error {
  const answer = (code: ErrorCode, options: S3ErrorOptions = {}) =>
    new S3Error(code, { ...options, cause: error });
  switch (error.kind) {
    case 'not_found':
      return notFound(error, scene);
    case 'already_exists':
      return answer(
        error.detail.owner === scene.identity_id ? 'BucketAlreadyOwnedByYou' : 'BucketAlreadyExists',
        { fields: { BucketName: scene.bucket } },
      );
    case 'not_empty':
      return answer('BucketNotEmpty', { fields: { BucketName: scene.bucket } });
    case 'not_modified':
      return answer('NotModified', { headers: notModifiedHeaders(error) });
    case 'precondition_failed':
      return answer('PreconditionFailed', { fields: { Condition: text(error.detail.condition) } });
    case 'conflict':
      return conflict(error);
    case 'range_not_satisfiable':
      return rangeNotSatisfiable(error);
    case 'digest_mismatch':
      return digestMismatch(error);
    case 'invalid_part':
      return answer('InvalidPart', { fields: { UploadId: scene.upload_id } });
    case 'invalid_part_order':
      return answer('InvalidPartOrder', { fields: { UploadId: scene.upload_id } });
    case 'part_too_small':
      return answer('EntityTooSmall', {
        fields: {
          ProposedSize: text(error.detail.size_bytes),
          MinSizeAllowed: LIMITS.part_bytes_min,
          PartNumber: text(error.detail.part_number),
          ETag: text(error.detail.etag),
        },
      });
    case 'locked':
      return answer('AccessDenied', {
        message: 'Access Denied because object protected by object lock.',
      });
    case 'delete_marker':
      return deleteMarker(error, scene);
    case 'access_denied':
      // A mount of ours that is read-only says so; why an upstream refuses us is not the client's business.
      return answer('AccessDenied', {
        message: error.detail.mount === undefined ? undefined : error.message,
      });
    case 'throttled':
      return answer('SlowDown', { headers: retryAfter(error) });
    case 'unsupported':
      return answer('NotImplemented', { message: error.message });
    case 'invalid':
      return invalid(error, scene);
    case 'corrupt':
      // AWS has no code for it. 500 makes clients try again, which fails over where there is a copy.
      return answer('InternalError', { message: 'The stored object does not match its digest.' });
    case 'no_space':
      return answer('InsufficientStorage');
    case 'unavailable':
      return answer('ServiceUnavailable', { headers: retryAfter(error) });
    case 'unexpected':
      return answer('InternalError');
  }
}

const SECONDS = /^[1-9]\d{0,4}$/;

/** RFC 9110, section 10.2.3. As long as the upstream asks for, where it does in seconds. */
function retryAfter({ detail }: StoreError): Record<string, string> {
  const asked = text(detail.retry_after);
  return { 'retry-after': asked !== undefined && SECONDS.test(asked) ? asked : '1' };
}

function notFound(error: StoreError, scene: ErrorScene): S3Error {
  switch (error.subject) {
    case 'bucket':
      // A copy source may live in another bucket than the request names.
      return new S3Error('NoSuchBucket', {
        fields: { BucketName: text(error.detail.bucket) ?? scene.bucket },
        cause: error,
      });
    case 'version':
      return new S3Error('NoSuchVersion', {
        fields: { Key: text(error.detail.key) ?? scene.key, VersionId: scene.version_id },
        cause: error,
      });
    case 'upload':
      return new S3Error('NoSuchUpload', { fields: { UploadId: scene.upload_id }, cause: error });
    case 'part':
      return new S3Error('InvalidPart', { fields: { UploadId: scene.upload_id }, cause: error });
    case 'object':
      return new S3Error('NoSuchKey', {
        fields: { Key: text(error.detail.key) ?? scene.key },
        headers: { 'x-amz-delete-marker': 'false' },
        cause: error,
      });
    case 'document':
    case 'body':
    case 'adapter':
      // Which code a missing document has depends on its kind; its operation knows and answers before this.
      return new S3Error('InternalError', { cause: error });
  }
}

function conflict(error: StoreError): S3Error {
  if (error.subject === 'bucket') {
    return new S3Error('InvalidBucketState', { message: error.message, cause: error });
  }
  return new S3Error('ConditionalRequestConflict', { cause: error });
}

/** Limits below S3's own, which only the storage knows. */
function invalid(cause: StoreError, { key }: ErrorScene): S3Error {
  const { key_bytes_max, code } = cause.detail;
  if (typeof key_bytes_max === 'number') {
    const fields = { Size: Buffer.byteLength(key), MaxSizeAllowed: key_bytes_max };
    return new S3Error('KeyTooLongError', { fields, cause });
  }
  return new S3Error(code === 'InvalidTag' ? 'InvalidTag' : 'InvalidArgument', {
    message: cause.message,
    cause,
  });
}

function rangeNotSatisfiable(error: StoreError): S3Error {
  if (error.detail.part_number !== undefined) {
    return new S3Error('InvalidPartNumber', {
      fields: {
        PartNumberRequested: text(error.detail.part_number),
        ActualPartCount: text(error.detail.parts_count),
      },
      cause: error,
    });
  }
  const size = text(error.detail.size_bytes);
  return new S3Error('InvalidRange', {
    fields: { ActualObjectSize: size },
    // RFC 9110, section 14.4: a 416 tells the current length.
    ...(size === undefined ? {} : { headers: { 'content-range': `bytes */${size}` } }),
    cause: error,
  });
}

function digestMismatch(error: StoreError): S3Error {
  const algorithm = text(error.detail.algorithm) ?? 'md5';
  if (algorithm === 'size') return new S3Error('IncompleteBody', { cause: error });
  if (algorithm === 'sha256') return new S3Error('XAmzContentSHA256Mismatch', { cause: error });
  if (algorithm === 'md5') {
    return new S3Error('BadDigest', {
      message: 'The Content-MD5 you specified did not match what we received.',
      cause: error,
    });
  }
  return new S3Error('BadDigest', {
    message: `The ${algorithm} you specified did not match the calculated checksum.`,
    cause: error,
  });
}

/**
 * S3 User Guide, "Working with delete markers": a marker asked for by its id is 405; an object whose latest version is
 * a marker is not there.
 */
function deleteMarker(error: StoreError, scene: ErrorScene): S3Error {
  const headers: Record<string, string> = { 'x-amz-delete-marker': 'true' };
  const version = text(error.detail.version_id);
  if (version !== undefined) headers['x-amz-version-id'] = version;
  if (scene.version_id === undefined) {
    return new S3Error('NoSuchKey', { fields: { Key: scene.key }, headers, cause: error });
  }
  headers.allow = 'DELETE';
  const modified = error.detail.modified_at_ms;
  if (typeof modified === 'number') headers['last-modified'] = formatHttpDate(modified);
  return new S3Error('MethodNotAllowed', {
    fields: { Method: 'GET', ResourceType: 'DeleteMarker' },
    headers,
    cause: error,
  });
}

/** RFC 9110, section 15.4.5: what a 200 would have said of the representation. */
function notModifiedHeaders(error: StoreError): Record<string, string> {
  const info = error.detail.info;
  const headers: Record<string, string> = {};
  if (typeof info !== 'object' || info === null) return headers;
  const {
    etag,
    modified_at_ms,
    version_id,
    null_version,
    headers: content,
  } = info as Record<string, unknown>;
  if (typeof etag === 'string') headers.etag = `"${etag}"`;
  if (typeof modified_at_ms === 'number') headers['last-modified'] = formatHttpDate(modified_at_ms);
  if (typeof version_id === 'string' && (version_id !== 'null' || null_version === true)) {
    headers['x-amz-version-id'] = version_id;
  }
  if (typeof content === 'object' && content !== null) {
    const { cache_control, expires } = content as Record<string, unknown>;
    if (typeof cache_control === 'string') headers['cache-control'] = cache_control;
    if (typeof expires === 'string') headers.expires = expires;
  }
  return headers;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}
