import type { Socket } from 'node:net';

const SIGNAL = Symbol('aborted when the connection closes');

interface Watched {
  [SIGNAL]?: AbortSignal;
}

/**
 * Aborts when the client goes away or the node cuts the connection. One for all requests of a connection: making one
 * for each costs as much as looking up an object. So whoever listens to it has to stop listening when done.
 */
export function connectionSignal(socket: Socket & Watched): AbortSignal {
  const known = socket[SIGNAL];
  if (known !== undefined) return known;
  const controller = new AbortController();
  socket[SIGNAL] = controller.signal;
  if (socket.destroyed) controller.abort();
  else socket.once('close', () => controller.abort());
  return controller.signal;
}
