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

function discard(request: IncomingMessage): void {
  if (request.readableEnded || request.destroyed) return;
  let discarded_bytes = 0;
  const cut = () => request.socket.destroy();
  const timer = setTimeout(cut, LIMITS.refused_body_ms_max);
  request
    .on('data', (chunk: Buffer) => {
      discarded_bytes += chunk.length;
      if (discarded_bytes > LIMITS.refused_body_bytes_max) cut();
    })
    .on('error', () => {})
    .once('close', () => clearTimeout(timer))
    .once('end', () => clearTimeout(timer));
  request.resume();
}
