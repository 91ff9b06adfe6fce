import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import type { ShardAccess } from './deps.js';
import { ShardApiError } from './errors.js';

/** RFC 6750, section 2.1; the scheme's name in any case (RFC 9110, section 11.1). */
const BEARER = /^bearer +([A-Za-z0-9\-._~+/]+=*) *$/i;
const CHALLENGE = { 'www-authenticate': 'Bearer' };

/** A hook for the calls that need a token. A wrong token is refused even where none is needed: it was meant to count. */
export function requireToken({ anonymous, any_host, verifyToken }: ShardAccess) {
  const admit = (request: FastifyRequest) => refuseForeignPage(request, any_host ?? false);
  return async (request: FastifyRequest): Promise<void> => {
    const header = request.headers.authorization;
    if (header === undefined) {
      if (anonymous) return admit(request);
      throw new ShardApiError(401, 'Not authenticated', CHALLENGE);
    }
    const token = BEARER.exec(header)?.[1];
    if (token === undefined && anonymous) return admit(request);
    const found = token === undefined ? null : verifyToken(token);
    if (found === undefined || found === null || found === false) {
      throw new ShardApiError(401, 'Invalid authentication credentials', CHALLENGE);
    }
  };
}

/** `name`, `name:port` or `[address]:port` (RFC 9110, section 7.2) without the port. */
function hostName(host: string): string {
  return host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1');
}

/** An address, or a name that no DNS server outside answers for (RFC 6761, section 6.3). */
function isOwnName(host: string): boolean {
  const name = hostName(host).toLowerCase();
  return isIP(name) !== 0 || name === 'localhost' || name.endsWith('.localhost');
}

/**
 * Any web page that a browser on this machine shows can send requests to loopback addresses; browsers then name the
 * page's origin (Fetch standard, "`Origin` header"). Clients that are no browsers send none. A page whose own name has
 * been pointed here (DNS rebinding) is of the same origin as the node, but that name is in `Host`.
 */
function refuseForeignPage({ headers }: FastifyRequest, any_host: boolean): void {
  const { origin, host = '' } = headers;
  if (!any_host && !isOwnName(host)) {
    throw new ShardApiError(403, 'Calls under a host name need a token, or allow_anonymous_shards: true');
  }
  if (origin === undefined || origin === `http://${host}` || origin === `https://${host}`) return;
  throw new ShardApiError(403, 'Calls of web pages need a token');
}
