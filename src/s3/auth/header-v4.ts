import type { IncomingHttpHeaders } from 'node:http';
import { LIMITS } from '../../../config/limits.js';
import { parseHttpDate } from '../../wire/http-date.js';
import { S3Error } from '../errors.js';
import type { Authenticated, SignedRequest } from './request.js';
import { type CredentialScope, readScope } from './scope.js';
import { formatSeconds, formatTimestamp, parseTimestamp } from './timestamp.js';
import { ALGORITHM, findCredential, verifySignature } from './verify.js';

/** S3 API reference, "Signature Calculations for the Authorization Header". */

const CODE = 'AuthorizationHeaderMalformed';
const SUBJECT = 'The authorization header is malformed';

export function authenticateHeader(request: SignedRequest, authorization: string): Authenticated {
  const fields = readFields(authorization.slice(ALGORITHM.length));
  const scope = readScope(fields.credential, request, CODE, SUBJECT);
  const payload_hash = request.headers['x-amz-content-sha256'];
  if (typeof payload_hash !== 'string') {
    throw new S3Error('InvalidRequest', {
      message: 'Missing required header for this request: x-amz-content-sha256',
    });
  }
  const credential = findCredential(request, scope.access_key);
  const timestamp = readTime(request, scope);
  return verifySignature(
    request,
    {
      scope,
      timestamp,
      signed_headers: fields.signed_headers.split(';'),
      signature: fields.signature,
      payload_hash,
      parameters: request.query.encoded,
    },
    credential,
  );
}

interface Fields {
  readonly credential: string;
  readonly signed_headers: string;
  readonly signature: string;
}

/** `Credential=..., SignedHeaders=..., Signature=...`, in any order, with or without spaces. */
function readFields(text: string): Fields {
  const found: Record<'Credential' | 'SignedHeaders' | 'Signature', string> = {
    Credential: '',
    SignedHeaders: '',
    Signature: '',
  };
  for (const part of text.split(',')) {
    const trimmed = part.trim();
    const equals = trimmed.indexOf('=');
    const name = trimmed.slice(0, equals);
    if (name === 'Credential' || name === 'SignedHeaders' || name === 'Signature') {
      found[name] = trimmed.slice(equals + 1);
    }
  }
  for (const [name, value] of Object.entries(found)) {
    if (value === '') {
      throw new S3Error(CODE, {
        message: `${SUBJECT}; the authorization header requires three components: Credential, SignedHeaders, and Signature. ${name} is missing.`,
      });
    }
  }
  return { credential: found.Credential, signed_headers: found.SignedHeaders, signature: found.Signature };
}

/** The time of the request as it was signed. */
function readTime(request: SignedRequest, scope: CredentialScope): string {
  const time = timeOf(request.headers);
  if (time === undefined) {
    throw new S3Error('AccessDenied', {
      message: 'AWS authentication requires a valid Date or x-amz-date header',
    });
  }
  if (Math.abs(time.time_ms - request.now_ms) > LIMITS.clock_skew_ms_max) {
    throw new S3Error('RequestTimeTooSkewed', {
      fields: {
        RequestTime: time.timestamp,
        ServerTime: formatSeconds(request.now_ms),
        MaxAllowedSkewMilliseconds: LIMITS.clock_skew_ms_max,
      },
    });
  }
  if (!time.timestamp.startsWith(scope.day)) {
    throw new S3Error(CODE, {
      message: `${SUBJECT}; Invalid credential date "${scope.day}". This date is not the same as X-Amz-Date: "${time.timestamp.slice(0, 8)}".`,
    });
  }
  return time.timestamp;
}

/** x-amz-date goes before Date; either may have the form of HTTP or of ISO 8601. */
function timeOf(headers: IncomingHttpHeaders): { timestamp: string; time_ms: number } | undefined {
  const text = headers['x-amz-date'] ?? headers.date;
  if (typeof text !== 'string') return undefined;
  const basic = parseTimestamp(text);
  if (basic !== undefined) return { timestamp: text, time_ms: basic };
  const time_ms = parseHttpDate(text);
  return time_ms === undefined ? undefined : { timestamp: formatTimestamp(time_ms), time_ms };
}
