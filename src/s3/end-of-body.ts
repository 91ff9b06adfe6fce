import type { IncomingMessage, ServerResponse } from 'node:http';
import { LIMITS } from '../../config/limits.js';

/**
 * Decides, before an answer is written, what becomes of a request body that nobody has read. Closing a connection with
 * unread bytes resets it, and the client may lose the answer: so the rest is taken in for a while and thrown away.
 */
export function endOfBody(
  request: IncomingMessage,
  response: ServerResponse,
  continue_awaited: boolean,
): void {
  if (request.complete || !hasBody(request)) return;
  if (continue_awaited) {
    // The client will not send its body any more; what comes next on this connection would be taken for it.
    response.shouldKeepAlive = false;
    return;
  }
  response.once('finish', () => discard(request));
}

function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length'];
  return length === undefined ? headers['transfer-encoding'] !== undefined : length !== '0';
}

/**
 * Counted at the connection: what nobody has begun to read by the end of the answer is dropped by node:http itself,
 * and seen by no listener of the request.
 */
function discard(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  const { socket } = request;
  const enough = socket.bytesRead + LIMITS.refused_body_bytes_max;
  const done = () => {
    clearTimeout(late);
    clearInterval(watch);
    socket.off('close', done);
  };
  const late = setTimeout(() => socket.destroy(), LIMITS.refused_body_ms_max);
  const watch = setInterval(() => socket.bytesRead > enough && socket.destroy(), LIMITS.refused_body_look_ms);
  // Once its answer has ended, a request is not told that its connection has gone.
  socket.once('close', done);
  request.on('error', () => {}).once('end', done);
  request.resume();
}
