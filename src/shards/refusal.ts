import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { LIMITS } from '../../config/limits.js';

const awaiting_continue = new WeakSet<IncomingMessage>();

/** Node would say `100 Continue` before anyone has looked at the headers: remember that it is still to be said. */
export function markAwaitingContinue(request: IncomingMessage): void {
  awaiting_continue.add(request);
}

/** To be called before the body is read: the client may be waiting for leave to send it (RFC 9110, section 10.1.1). */
export function beginBody(request: IncomingMessage, response: ServerResponse): void {
  if (awaiting_continue.delete(request)) response.writeContinue();
}

/** Whether some of the request's body has not arrived yet. */
export function bodyIsDue(request: IncomingMessage): boolean {
  if (request.complete) return false;
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  return encoding !== undefined || (length !== undefined && length !== '0');
}

/**
 * For an answer given before the body has been read. Reading on to keep the connection would take in all of it, and
 * closing at once makes the kernel reset the connection, so that a client that is still sending may never see the
 * answer (RFC 9112, section 9.6). So: answer, close our side, take in a bounded rest, then close.
 */
export function closeAfterAnswer(request: IncomingMessage, response: ServerResponse): void {
  const { socket } = request;
  const enough = socket.bytesRead + LIMITS.refused_body_bytes_max;
  let answered = false;
  response.setHeader('connection', 'close');
  // A listener from the beginning: a body that nobody reads is taken in by node:http itself, without end and unseen.
  request.on('data', () => {
    if (socket.bytesRead <= enough) return;
    if (answered) socket.destroy();
    else request.pause();
  });
  // node:http calls it when the last answer of a connection has been handed over.
  socket.destroySoon = () => {
    answered = true;
    socket.end();
    discardRest(request, socket);
  };
}

function discardRest(request: IncomingMessage, socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), LIMITS.refused_body_ms_max);
  socket.once('close', () => clearTimeout(timer));
  request.once('end', () => socket.destroy());
  request.once('error', () => socket.destroy());
  request.resume();
  if (request.complete && request.readableLength === 0) socket.destroy();
}
