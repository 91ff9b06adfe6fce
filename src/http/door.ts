/** A listener with its limits: makes the server for a door's framework, counts what passes, and drains it. */
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import { type AddressInfo, isIPv6, type Socket } from 'node:net';
import { LIMITS } from '../../config/limits.js';
import { endSlowExchanges } from './byte-rate.js';
import { type DrainResult, drainServer } from './drain.js';
import { type Exchange, openExchange } from './exchange.js';
import type { TlsMaterial } from './tls.js';

/** The address or the port is not to be had; the message says why. */
export class ListenError extends Error {}

export interface DoorOptions {
  readonly name: string;
  readonly tls?: TlsMaterial;
  /** Called once for each request, after its answer has ended or its connection was lost. */
  readonly on_end?: (exchange: Exchange) => void;
}

export interface Door {
  readonly name: string;
  /** The server of this door, for a handler or for the option of this name of fastify. Called once. */
  serverFactory(handler: RequestListener): Server;
  listen(address: {
    readonly host: string;
    readonly port: number;
  }): Promise<{ readonly url: string; readonly port: number }>;
  setTls(material: TlsMaterial): void;
  /** Stops accepting, lets requests under way end, then closes; after `grace_ms` connections are cut. */
  drain(grace_ms: number): Promise<DrainResult>;
  traffic(): DoorTraffic;
}

/** Bytes as they crossed the connections, TLS and headers included. */
interface DoorTraffic {
  readonly open_connections: number;
  readonly active_requests: number;
  readonly received_bytes: number;
  readonly sent_bytes: number;
}

export interface DoorState {
  readonly sockets: Set<Socket>;
  readonly exchanges: Set<Exchange>;
  draining: boolean;
}

function makeServer(tls: TlsMaterial | undefined, listener: RequestListener): Server | TlsServer {
  const options = {
    maxHeaderSize: LIMITS.http_header_bytes_max,
    headersTimeout: LIMITS.http_headers_timeout_ms,
    requestTimeout: 0,
    keepAliveTimeout: LIMITS.http_keep_alive_timeout_ms,
    connectionsCheckingInterval: LIMITS.http_rate_check_interval_ms,
    highWaterMark: 64 * 1024,
  };
  const server = tls
    ? createTlsServer({ ...options, ...tls, minVersion: 'TLSv1.2' }, listener)
    : createServer(options, listener);
  server.maxConnections = LIMITS.http_connections_max;
  return server;
}

export function createDoor(options: DoorOptions): Door {
  const state: DoorState = { sockets: new Set(), exchanges: new Set(), draining: false };
  const closed = { received_bytes: 0, sent_bytes: 0 };
  let server: Server | TlsServer | undefined;

  const track = (socket: Socket) => {
    state.sockets.add(socket);
    socket.once('close', () => {
      state.sockets.delete(socket);
      closed.received_bytes += socket.bytesRead;
      closed.sent_bytes += socket.bytesWritten;
    });
  };

  const begin = (exchange: Exchange) => {
    state.exchanges.add(exchange);
    if (state.draining) exchange.response.shouldKeepAlive = false;
    // Emitted once; `once` would wrap the listener for each request.
    exchange.response.on('close', () => {
      state.exchanges.delete(exchange);
      options.on_end?.(exchange);
    });
  };

  const opened = (): Server | TlsServer => {
    if (server === undefined) throw new Error(`door ${options.name} has no server yet`);
    return server;
  };

  return {
    name: options.name,
    serverFactory: (handler) => {
      server = makeServer(options.tls, (request, response) => {
        begin(openExchange(request, response));
        handler(request, response);
      });
      server.on('connection', track);
      const timer = setInterval(
        () => endSlowExchanges(state.exchanges, performance.now()),
        LIMITS.http_rate_check_interval_ms,
      );
      timer.unref();
      server.once('close', () => clearInterval(timer));
      return server;
    },
    listen: ({ host, port }) => listen(opened(), host, port, options.tls !== undefined),
    setTls: (material) => {
      const tls_server = opened();
      if ('setSecureContext' in tls_server) tls_server.setSecureContext(material);
    },
    drain: (grace_ms) =>
      server?.listening ? drainServer(server, state, grace_ms) : Promise.resolve({ cut_requests: 0 }),
    traffic: () => {
      let { received_bytes, sent_bytes } = closed;
      for (const socket of state.sockets) {
        received_bytes += socket.bytesRead;
        sent_bytes += socket.bytesWritten;
      }
      return {
        open_connections: state.sockets.size,
        active_requests: state.exchanges.size,
        received_bytes,
        sent_bytes,
      };
    },
  };
}

function listen(server: Server | TlsServer, host: string, port: number, tls: boolean) {
  return new Promise<{ url: string; port: number }>((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => {
      const reason =
        error.code === 'EADDRINUSE'
          ? 'it is in use by another program'
          : error.code === 'EACCES'
            ? 'this user may not listen there'
            : error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND'
              ? 'this machine does not have that address'
              : error.message;
      reject(new ListenError(`cannot listen on ${host} port ${port}: ${reason}`, { cause: error }));
    };
    server.once('error', failed);
    server.listen({ host, port, backlog: 1024 }, () => {
      server.off('error', failed);
      const bound = (server.address() as AddressInfo).port;
      const shown = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
      resolve({
        url: `${tls ? 'https' : 'http'}://${isIPv6(shown) ? `[${shown}]` : shown}:${bound}`,
        port: bound,
      });
    });
  });
}
