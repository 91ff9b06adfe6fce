/** Ends a listener without resetting a connection that still carries a request. */
import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises';
import { LIMITS } from '../../config/limits.js';
import type { DoorState } from './door.js';

export interface DrainResult {
  /** Requests that were still under way when the grace period ended. */
  readonly cut_requests: number;
}

/**
 * Requests under way and those that still arrive on open connections are answered with `Connection: close`. Idle
 * connections are kept a moment longer, because a request may be on its way on them (RFC 9112, section 9.5: closing
 * then makes the client see a reset).
 */
export async function drainServer(server: Server, state: DoorState, grace_ms: number): Promise<DrainResult> {
  const deadline = performance.now() + grace_ms;
  state.draining = true;
  for (const { response } of state.exchanges) if (!response.headersSent) response.shouldKeepAlive = false;
  // One turn of the event loop takes the connections that the kernel has already accepted for us.
  await nextTurn();
  const closed = new Promise<void>((resolve) => server.once('close', () => resolve()));
  // Not server.close(): that one of node:http destroys idle connections at once.
  NetServer.prototype.close.call(server);
  const linger = new AbortController();
  const idle = closeIdle(server, state, Math.min(LIMITS.http_drain_linger_ms, grace_ms), linger.signal);
  const cut = cutAt(deadline, server, state, linger.signal);
  await closed;
  linger.abort();
  await idle;
  return { cut_requests: await cut };
}

function waitOrAbort(ms: number, signal: AbortSignal): Promise<boolean> {
  return wait(Math.max(0, ms), true, { signal }).catch(() => false);
}

async function closeIdle(
  server: Server,
  state: DoorState,
  linger_ms: number,
  signal: AbortSignal,
): Promise<void> {
  while (await waitOrAbort(linger_ms, signal)) {
    server.closeIdleConnections();
    // A connection on which nothing was ever sent does not count as idle for node:http.
    for (const socket of state.sockets) if (socket.bytesRead === 0) socket.destroySoon();
  }
}

async function cutAt(
  deadline: number,
  server: Server,
  state: DoorState,
  signal: AbortSignal,
): Promise<number> {
  if (!(await waitOrAbort(deadline - performance.now(), signal))) return 0;
  const cut_requests = state.exchanges.size;
  server.closeAllConnections();
  for (const socket of state.sockets) socket.destroy();
  return cut_requests;
}
