import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';

/** Random once, so that it neither compresses nor repeats; stamped per object, so that none equals another. */
const BLOCK = randomFillSync(Buffer.allocUnsafe(1024 ** 2));
const STAMP_BYTES = 16;

/**
 * @param {number} size_bytes at most 1 MiB
 * @param {number} number the object's number; the same number gives the same bytes in this process
 */
export function smallBody(size_bytes, number) {
  const body = Buffer.from(BLOCK.subarray(0, size_bytes));
  if (size_bytes >= STAMP_BYTES) {
    body.writeDoubleLE(number, 0);
    body.writeDoubleLE(number * 31 + 7, 8);
  } else body.write(String(number).padStart(size_bytes, '0').slice(-size_bytes));
  return body;
}

/**
 * A large body, block by block.
 * @param {number} size_bytes
 * @param {number} number
 */
export function* largePieces(size_bytes, number) {
  for (let at = 0; at < size_bytes; at += BLOCK.length)
    yield smallBody(Math.min(BLOCK.length, size_bytes - at), number * 1_000_003 + at);
}

/**
 * Sends a large body, no faster than the socket takes it.
 * @param {number} size_bytes
 * @param {number} number
 * @returns {(socket: import('node:net').Socket) => Promise<void>}
 */
export function largeBody(size_bytes, number) {
  return async (socket) => {
    for (const piece of largePieces(size_bytes, number))
      if (!socket.write(piece)) await once(socket, 'drain');
  };
}
