import type { FastifyRequest } from 'fastify';
import type { ShardAccess } from './deps.js';
import { ShardApiError } from './errors.js';

/** RFC 6750, section 2.1; the scheme's name in any case (RFC 9110, section 11.1). */
const BEARER = /^bearer +([A-Za-z0-9\-._~+/]+=*) *$/i;
const CHALLENGE = { 'www-authenticate': 'Bearer' };

/** A hook for the calls that need a token. A wrong token is refused even where none is needed: it was meant to count. */
export function requireToken({ anonymous, verifyToken }: ShardAccess) {
  return async (request: FastifyRequest): Promise<void> => {
    const header = request.headers.authorization;
    if (header === undefined) {
      if (anonymous) return refuseForeignPage(request);
      throw new ShardApiError(401, 'Not authenticated', CHALLENGE);
    }
    const token = BEARER.exec(header)?.[1];
    if (token === undefined && anonymous) return refuseForeignPage(request);
    const found = token === undefined ? null : verifyToken(token);
    if (found === undefined || found === null || found === false) {
      throw new ShardApiError(401, 'Invalid authentication credentials', CHALLENGE);
    }
  };
}

/**
 * Any web page that a browser on this machine shows can send requests to loopback addresses; browsers then name the
 * page's origin (Fetch standard, "`Origin` header"). Clients that are no browsers send none.
 */
function refuseForeignPage({ headers }: FastifyRequest): void {
  const { origin, host } = headers;
  if (origin === undefined || origin === `http://${host}` || origin === `https://${host}`) return;
  throw new ShardApiError(403, 'Calls of web pages need a token');
}
