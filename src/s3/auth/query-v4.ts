import { LIMITS } from '../../../config/limits.js';
import { S3Error } from '../errors.js';
import { type Authenticated, type SignedRequest, signedHeader, UNSIGNED_PAYLOAD } from './request.js';
import { readScope } from './scope.js';
import { formatSeconds, parseTimestamp } from './timestamp.js';
import { ALGORITHM, findCredential, verifySignature } from './verify.js';

/** S3 API reference, "Authenticating Requests: Using Query Parameters": presigned URLs. */

const CODE = 'AuthorizationQueryParametersError';
const SUBJECT = 'Error parsing the X-Amz-Credential parameter';
const DIGITS = /^-?\d{1,15}$/;

export function authenticateQuery(request: SignedRequest): Authenticated {
  const { query, headers } = request;
  if (required(request, 'X-Amz-Algorithm') !== ALGORITHM) {
    throw refused(`X-Amz-Algorithm only supports "${ALGORITHM}"`);
  }
  const signature = required(request, 'X-Amz-Signature');
  const timestamp = required(request, 'X-Amz-Date');
  const signed_headers = required(request, 'X-Amz-SignedHeaders').split(';');
  const expires = readExpires(required(request, 'X-Amz-Expires'));
  const scope = readScope(required(request, 'X-Amz-Credential'), request, CODE, SUBJECT);
  const credential = findCredential(request, scope.access_key);
  const signed_at = parseTimestamp(timestamp);
  if (signed_at === undefined) {
    throw refused("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
  }
  if (!timestamp.startsWith(scope.day)) {
    throw refused(
      `Invalid credential date "${scope.day}". This date is not the same as X-Amz-Date: "${timestamp.slice(0, 8)}".`,
    );
  }
  checkLifetime(request.now_ms, signed_at, expires);
  const payload_hash = signed_headers.includes('x-amz-content-sha256')
    ? signedHeader(headers, 'x-amz-content-sha256')
    : (query.get('X-Amz-Content-Sha256') ?? UNSIGNED_PAYLOAD);
  const authenticated = verifySignature(
    request,
    {
      scope,
      timestamp,
      signed_headers,
      signature,
      payload_hash,
      parameters: withoutSignature(query.encoded),
    },
    credential,
  );
  // An unsigned header cannot weaken the URL: it only says how the body is framed, or promises a digest.
  const described = headers['x-amz-content-sha256'];
  return typeof described === 'string' ? { ...authenticated, payload_hash: described } : authenticated;
}

type Parameters = SignedRequest['query']['encoded'];

/** Signers append it, mostly. */
function withoutSignature(parameters: Parameters): Parameters {
  const last = parameters.length - 1;
  if (parameters.findIndex(isSignature) === last) return parameters.slice(0, last);
  return parameters.filter((parameter) => !isSignature(parameter));
}

function isSignature(parameter: Parameters[number]): boolean {
  return parameter[0] === 'X-Amz-Signature';
}

function required(request: SignedRequest, name: string): string {
  const value = request.query.get(name);
  if (value !== undefined && value !== '') return value;
  throw refused(
    'Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, ' +
      'X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.',
  );
}

/** A negative lifetime is over, as s3-tests has it: to the holder of the URL that is the same as any expired one. */
function readExpires(text: string): number {
  if (!DIGITS.test(text)) throw refused('X-Amz-Expires should be a number');
  const seconds = Number(text);
  if (seconds > LIMITS.presigned_seconds_max) {
    throw refused(
      `X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than ${LIMITS.presigned_seconds_max} seconds`,
    );
  }
  return seconds;
}

function checkLifetime(now_ms: number, signed_at_ms: number, expires_seconds: number): void {
  const ends_at_ms = signed_at_ms + expires_seconds * 1000;
  const early = signed_at_ms > now_ms + LIMITS.clock_skew_ms_max;
  if (!early && now_ms <= ends_at_ms) return;
  throw new S3Error('AccessDenied', {
    message: early ? 'Request is not yet valid' : 'Request has expired',
    fields: {
      'X-Amz-Expires': expires_seconds,
      Expires: formatSeconds(ends_at_ms),
      ServerTime: formatSeconds(now_ms),
    },
  });
}

function refused(message: string): S3Error {
  return new S3Error(CODE, { message });
}
