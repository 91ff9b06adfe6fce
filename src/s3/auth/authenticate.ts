import { ANONYMOUS } from '../../access/identity.js';
import { invalidArgument, S3Error } from '../errors.js';
import { authenticateHeader } from './header-v4.js';
import { authenticateQuery } from './query-v4.js';
import { type Authenticated, type SignedRequest, UNSIGNED_PAYLOAD } from './request.js';
import { ALGORITHM } from './verify.js';

/** Who sent this request? Nothing of its body is read. A request that claims nothing is anonymous. */
export function authenticate(request: SignedRequest): Authenticated {
  const { headers, query } = request;
  const { authorization } = headers;
  const presigned = query.encoded.length > 0 && isPresigned(request);
  if (authorization === undefined && !presigned) {
    const hash = headers['x-amz-content-sha256'];
    return {
      identity: ANONYMOUS,
      payload_hash: typeof hash === 'string' ? hash : UNSIGNED_PAYLOAD,
      chunk_seed: undefined,
    };
  }
  refuseToken(request);
  if (authorization === undefined) return authenticatePresigned(request);
  if (presigned) {
    throw invalidArgument(
      'Authorization',
      authorization,
      'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified',
    );
  }
  return authenticateAuthorization(request, authorization);
}

function isPresigned({ query }: SignedRequest): boolean {
  return query.has('X-Amz-Algorithm') || query.has('X-Amz-Signature') || isVersion2(query);
}

function isVersion2(query: SignedRequest['query']): boolean {
  return query.has('Signature') && query.has('AWSAccessKeyId');
}

function authenticatePresigned(request: SignedRequest): Authenticated {
  if (isVersion2(request.query)) throw unsupportedMechanism();
  return authenticateQuery(request);
}

function authenticateAuthorization(request: SignedRequest, authorization: string): Authenticated {
  if (authorization.startsWith(`${ALGORITHM} `)) return authenticateHeader(request, authorization);
  if (authorization === '') throw new S3Error('AccessDenied');
  if (authorization.startsWith('AWS ') || authorization.startsWith('AWS4-')) throw unsupportedMechanism();
  throw invalidArgument('Authorization', authorization, 'Unsupported Authorization Type');
}

function unsupportedMechanism(): S3Error {
  return new S3Error('InvalidRequest', {
    message: `The authorization mechanism you have provided is not supported. Please use ${ALGORITHM}.`,
  });
}

/** Temporary credentials are not given out here, so no token can be ours. */
function refuseToken({ headers, query }: SignedRequest): void {
  const token = headers['x-amz-security-token'] ?? query.get('X-Amz-Security-Token');
  if (token !== undefined && token !== '') throw new S3Error('InvalidToken');
}
