import { randomBytes } from 'node:crypto';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Duplex } from 'node:stream';
import type { Adapter } from '../../adapters/contract/index.js';
import type { CredentialSource } from '../access/identity.js';
import { requestIdOf } from '../http/exchange.js';
import { errorDocument } from './error-reply.js';
import { S3Error } from './errors.js';
import { type FailureListener, handleRequest } from './pipeline.js';
import { SERVER_NAME } from './reply.js';
import { bucketOfHost } from './target.js';

export interface S3ServerDeps {
  readonly store: Adapter;
  readonly credentials: CredentialSource;
  readonly region: string;
  /** For virtual-host style: `<bucket>.<domain>`. */
  readonly domains: readonly string[];
  /** The listener with its limits and TLS (src/http/door.ts); a plain one without it. */
  readonly serverFactory?: (handler: RequestListener) => Server;
  /** Told of each request that failed. */
  readonly onFailure?: FailureListener;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

const CONTINUE_AWAITED = Symbol('the client waits for 100 Continue');

interface Awaiting {
  [CONTINUE_AWAITED]?: true;
}

/**
 * The S3 door, not listening yet. It is bare node:http: a framework would route, decode and parse what S3 signs as it was
 * sent, and its part of a small GET was a twentieth.
 */
export function createS3Server(deps: S3ServerDeps): Server {
  const frame = {
    store: deps.store,
    credentials: deps.credentials,
    region: deps.region,
    onFailure: deps.onFailure,
    now: deps.now ?? Date.now,
    bucketOf: bucketOfHost(deps.domains),
    // S3's second id names the host that answered. One for the life of the process is enough to tell nodes apart.
    host_id: randomBytes(24).toString('base64'),
  };
  const { serverFactory = createServer } = deps;
  const server = serverFactory((request, response) => {
    const awaited = (request as Awaiting)[CONTINUE_AWAITED] === true;
    // It answers by itself and never rejects.
    void handleRequest(frame, request, response, request.url ?? '', awaited);
  });
  server.on('clientError', refuseUnreadable);
  listenForExpect(server);
  return server;
}

/** node would answer `Expect: 100-continue` before anyone has looked at the headers, and 417 to other expectations. */
function listenForExpect(server: Server): void {
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    (request as Awaiting)[CONTINUE_AWAITED] = true;
    server.emit('request', request, response);
  });
  // RFC 9110, section 10.1.1: other expectations may be passed over, as S3 does.
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    server.emit('request', request, response);
  });
}

/** Bytes that are no HTTP request: there is no request object to answer, only the socket. */
function refuseUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const failure = unreadable(error.code);
  const request_id = requestIdOf({} as ServerResponse);
  const body = errorDocument(failure, { resource: '/', request_id, host_id: '' });
  socket.end(
    `HTTP/1.1 ${failure.status} Bad Request\r\nServer: ${SERVER_NAME}\r\nDate: ${new Date().toUTCString()}\r\n` +
      `x-amz-request-id: ${request_id}\r\nContent-Type: application/xml\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `Connection: close\r\n\r\n${body}`,
  );
}

function unreadable(code: string | undefined): S3Error {
  if (code === 'HPE_HEADER_OVERFLOW') return new S3Error('RequestHeaderSectionTooLarge');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new S3Error('RequestTimeout');
  return new S3Error('BadRequest');
}
