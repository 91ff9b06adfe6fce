/** Slow clients are bounded by how fast they move bytes, not by how long they take. */
import { LIMITS } from '../../config/limits.js';
import type { Exchange } from './exchange.js';

/** True when a body is due, we are ready for it, and it came too slowly over the whole window. */
function uploadTooSlow(exchange: Exchange, now: number): boolean {
  const { request } = exchange;
  const full = request.isPaused() || request.readableLength >= request.readableHighWaterMark;
  const ours = request.complete || full;
  const read = request.socket.bytesRead;
  if (ours || exchange.seen_read_bytes === 0) {
    exchange.seen_read_bytes = read;
    exchange.read_since = now;
    return false;
  }
  const waited_ms = now - exchange.read_since;
  if (waited_ms < LIMITS.http_body_window_ms) return false;
  const enough = (LIMITS.http_body_bytes_per_second_min * waited_ms) / 1000;
  const slow = read - exchange.seen_read_bytes < enough;
  exchange.seen_read_bytes = read;
  exchange.read_since = now;
  return slow;
}

/** True when answer bytes wait and not one buffer of them was taken for the whole time. */
function answerStalled(exchange: Exchange, now: number): boolean {
  const { socket } = exchange.request;
  const waiting = socket.writableLength > 0;
  const sent = socket.bytesWritten - socket.writableLength;
  if (!waiting || sent !== exchange.seen_written_bytes) {
    exchange.seen_written_bytes = sent;
    exchange.written_since = now;
    return false;
  }
  return now - exchange.written_since >= LIMITS.http_answer_stall_ms_max;
}

/** Ends the connections that are too slow; called on a schedule with all exchanges of a door. */
export function endSlowExchanges(exchanges: Iterable<Exchange>, now: number): number {
  let ended = 0;
  for (const exchange of exchanges) {
    if (!uploadTooSlow(exchange, now) && !answerStalled(exchange, now)) continue;
    exchange.request.socket.destroy();
    ended++;
  }
  return ended;
}
