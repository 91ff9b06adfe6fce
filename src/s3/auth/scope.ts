import { type ErrorCode, S3Error } from '../errors.js';
import type { SignedRequest } from './request.js';

/** `ACCESS_KEY/20130524/us-east-1/s3/aws4_request`. Access keys may hold slashes. */
export interface CredentialScope {
  readonly access_key: string;
  readonly day: string;
  readonly region: string;
}

const DAY = /^\d{8}$/;

/**
 * Takes a credential apart and checks that it is meant for this server. `code` and `subject` are those of the place
 * where it stands: the Authorization header or the query.
 */
export function readScope(
  credential: string,
  request: SignedRequest,
  code: ErrorCode,
  subject: string,
): CredentialScope {
  // The same client comes again and again, the whole day with the same text.
  if (credential === lastCredential && request.region === lastScope.region) return lastScope;
  const scope = parseScope(credential, request, code, subject);
  lastCredential = credential;
  lastScope = scope;
  return scope;
}

let lastCredential = '';
let lastScope: CredentialScope = { access_key: '', day: '', region: '' };

function parseScope(
  credential: string,
  request: SignedRequest,
  code: ErrorCode,
  subject: string,
): CredentialScope {
  const malformed = (message: string, region?: string) =>
    new S3Error(code, { message: `${subject}; ${message}`, fields: { Region: region } });
  const parts = credential.split('/');
  const [day = '', region = '', service, terminator] = parts.slice(-4);
  if (parts.length < 5) {
    throw malformed(
      'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
    );
  }
  if (!DAY.test(day)) {
    throw malformed(
      `incorrect date format "${day}". This date in the credential must be in the format "yyyyMMdd".`,
    );
  }
  if (region !== request.region && !request.any_region) {
    throw malformed(`the region '${region}' is wrong; expecting '${request.region}'`, request.region);
  }
  if (service !== 's3') {
    throw malformed(`incorrect service "${service}". This endpoint belongs to "s3".`);
  }
  if (terminator !== 'aws4_request') {
    throw malformed(`incorrect terminal "${terminator}". This endpoint uses "aws4_request".`);
  }
  return { access_key: parts.slice(0, -4).join('/'), day, region };
}
