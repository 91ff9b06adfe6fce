import { type ErrorKind, type ErrorSubject, StoreError } from '../contract/index.js';

/** S3's error codes as kinds (S3 API reference, "Error responses"). What is not here goes by its status. */
const CODES: ReadonlyMap<string, readonly [ErrorKind, ErrorSubject]> = new Map([
  ['NoSuchBucket', ['not_found', 'bucket']],
  ['NoSuchKey', ['not_found', 'object']],
  ['NoSuchVersion', ['not_found', 'version']],
  ['NoSuchUpload', ['not_found', 'upload']],
  ['NoSuchTagSet', ['not_found', 'document']],
  ['BucketAlreadyExists', ['already_exists', 'bucket']],
  ['BucketAlreadyOwnedByYou', ['already_exists', 'bucket']],
  ['BucketNotEmpty', ['not_empty', 'bucket']],
  ['NotModified', ['not_modified', 'object']],
  ['PreconditionFailed', ['precondition_failed', 'object']],
  ['ConditionalRequestConflict', ['conflict', 'object']],
  ['OperationAborted', ['conflict', 'object']],
  ['InvalidBucketState', ['conflict', 'bucket']],
  // versitygw, posix: one of the two keys is a folder of its file system.
  ['ObjectParentIsFile', ['conflict', 'object']],
  ['ExistingObjectIsDirectory', ['conflict', 'object']],
  ['InvalidRange', ['range_not_satisfiable', 'object']],
  ['BadDigest', ['digest_mismatch', 'body']],
  ['InvalidDigest', ['digest_mismatch', 'body']],
  ['XAmzContentSHA256Mismatch', ['digest_mismatch', 'body']],
  ['XAmzContentChecksumMismatch', ['digest_mismatch', 'body']],
  ['IncompleteBody', ['unavailable', 'adapter']],
  ['RequestTimeout', ['unavailable', 'adapter']],
  ['InvalidPart', ['invalid_part', 'part']],
  ['InvalidPartOrder', ['invalid_part_order', 'part']],
  ['EntityTooSmall', ['part_too_small', 'part']],
  ['MethodNotAllowed', ['delete_marker', 'version']],
  ['ObjectLocked', ['locked', 'version']],
  ['AccessDenied', ['access_denied', 'adapter']],
  ['AllAccessDisabled', ['access_denied', 'adapter']],
  ['InvalidAccessKeyId', ['access_denied', 'adapter']],
  ['SignatureDoesNotMatch', ['access_denied', 'adapter']],
  ['ExpiredToken', ['access_denied', 'adapter']],
  ['InvalidToken', ['access_denied', 'adapter']],
  ['SlowDown', ['throttled', 'adapter']],
  ['SlowDownRead', ['throttled', 'adapter']],
  ['SlowDownWrite', ['throttled', 'adapter']],
  ['TooManyRequests', ['throttled', 'adapter']],
  ['ServiceUnavailable', ['unavailable', 'adapter']],
  ['NotImplemented', ['unsupported', 'adapter']],
  ['XMinioStorageFull', ['no_space', 'adapter']],
  ['QuotaExceeded', ['no_space', 'adapter']],
  ['XMinioAdminBucketQuotaExceeded', ['no_space', 'adapter']],
  ['InsufficientStorage', ['no_space', 'adapter']],
]);

/** The upstream does not know the credentials, or no longer. */
const CREDENTIAL_CODES = new Set([
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'InvalidToken',
]);
/** Garage has AccessDenied for that too. */
const GARAGE_CREDENTIALS = /No such key: |Invalid signature/;

/** What locks answer differs in its code everywhere; the wording is alike. */
const LOCKED = /WORM protected|protected by object lock/i;
const LOCK_CODES = new Set(['AccessDenied', 'InvalidRequest', 'ObjectLocked']);

const TRANSPORT_CODES =
  /^(ECONN|EPIPE|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTDOWN|EHOSTUNREACH|ENETUNREACH|UND_ERR_|HPE_|CERT_|ERR_TLS|ERR_SSL|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/;

const TIMEOUT_CODES = new Set([
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
]);

/** An error answer of the upstream. `code` may be empty, as in every answer to HEAD. */
export function answerError(
  status: number,
  code: string,
  message: string,
  detail: Readonly<Record<string, unknown>> = {},
): StoreError {
  const [kind, subject] = classify(status, code, message);
  const text = message === '' ? `the upstream answered ${status} ${code}`.trim() : message;
  return new StoreError(kind, text, { subject, detail: { ...detail, status, code } });
}

/** What of S3's 400s names no kind of its own: nothing but the request is wrong. */
const REFUSALS =
  /^(Invalid|Malformed|Missing|Illegal|XMinioInvalid|XMinioMalformed|KeyTooLong|RequestTimeTooSkewed$)/;

/** Codes of trouble that passes, as servers tell them: `InternalError`, `ServerBusy`, `XMinioServerNotInitialized`. */
const TROUBLES =
  /^(Internal|InternalError|InternalServerError|ServerBusy|Busy)$|(NotInitialized|BackendDown|Timeout)$/;

/** An error that is told of one entry of a successful answer: there is no status, only the code says what it is. */
export function entryError(code: string, message: string): StoreError {
  return answerError(statusOfCode(code), code, message);
}

/** 200 stands for what nobody knows. */
function statusOfCode(code: string): number {
  if (REFUSALS.test(code)) return 400;
  return TROUBLES.test(code) ? 500 : 200;
}

function classify(status: number, code: string, message: string): readonly [ErrorKind, ErrorSubject] {
  if (LOCK_CODES.has(code) && LOCKED.test(message)) return ['locked', 'version'];
  return CODES.get(code) ?? [kindOfStatus(status), subjectOfStatus(status)];
}

/** Other credentials might do. (R2 answers 401 to them; answers to HEAD say nothing of the kind.) */
export function isCredentialRefusal({ kind, message, detail }: StoreError): boolean {
  if (kind !== 'access_denied') return false;
  const { code, status } = detail;
  return status === 401 || CREDENTIAL_CODES.has(String(code)) || GARAGE_CREDENTIALS.test(message);
}

function kindOfStatus(status: number): ErrorKind {
  if (status === 304) return 'not_modified';
  if (status === 401 || status === 403) return 'access_denied';
  if (status === 404) return 'not_found';
  if (status === 408) return 'unavailable';
  if (status === 409) return 'conflict';
  if (status === 412) return 'precondition_failed';
  if (status === 416) return 'range_not_satisfiable';
  if (status === 429) return 'throttled';
  if (status === 501) return 'unsupported';
  if (status === 507) return 'no_space';
  if (status >= 500) return 'unavailable';
  return status >= 400 ? 'invalid' : 'unexpected';
}

function subjectOfStatus(status: number): ErrorSubject {
  return [304, 404, 409, 412, 416].includes(status) ? 'object' : 'adapter';
}

/** Anything that the SDK or undici threw. Errors of the caller's own body and aborts pass unchanged elsewhere. */
export function toStoreError(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  if (isSdkError(error)) {
    const { name, message } = error;
    return answerError(error.$metadata.httpStatusCode, name === 'Unknown' ? '' : name, message);
  }
  const { code, name, message } = error as { code?: unknown; name?: unknown; message?: unknown };
  const transport = typeof code === 'string' && TRANSPORT_CODES.test(code);
  const timed_out = name === 'TimeoutError' || (typeof code === 'string' && TIMEOUT_CODES.has(code));
  const kind = transport || timed_out ? 'unavailable' : 'unexpected';
  return new StoreError(kind, `upstream: ${String(message)}`, {
    subject: 'adapter',
    cause: error,
    ...(timed_out ? { detail: { timed_out } } : {}),
  });
}

/** A timeout that is worth a repeat all the same: it goes to another address, which may be well. */
export function repeatableTimeout(error: unknown): StoreError {
  const { kind, message, subject, cause } = toStoreError(error);
  return new StoreError(kind, message, { subject, cause });
}

interface SdkError {
  readonly name: string;
  readonly message: string;
  readonly $metadata: { readonly httpStatusCode: number };
}

function isSdkError(error: unknown): error is SdkError {
  const metadata = (error as { $metadata?: { httpStatusCode?: unknown } } | null)?.$metadata;
  return typeof metadata?.httpStatusCode === 'number';
}
