import type { OnReadOpts, Socket } from 'node:net';
import { LIMITS } from '../../config/limits.js';

/**
 * Memory for what comes from an upstream. By itself a socket reads 64 KiB at a time into memory of its own, cut to what
 * came. Here a large answer is read in larger pieces, which takes a quarter less processor time, and small ones lie
 * behind one another in the same memory.
 *
 * For all connections of an agent: node asks for the next buffer as soon as it has told of the last one.
 */
export function growingReads(): OnReadOpts {
  let next: Uint8Array | undefined;
  return {
    buffer() {
      const given = next ?? Buffer.allocUnsafeSlow(LIMITS.upstream_read_bytes);
      next = undefined;
      return given;
    },
    callback(this: Socket, read_bytes, buffer) {
      next = remaining(buffer, read_bytes) ?? fresh(read_bytes);
      if (isLargest(buffer)) lent.set(buffer.buffer, read_bytes);
      return this.push(buffer.subarray(0, read_bytes));
    },
  };
}

/** How much was read into each of the largest buffers. Each is used for one read, so that it can be used again. */
const lent = new WeakMap<ArrayBufferLike, number>();
const free: Uint8Array[] = [];

/**
 * Takes back a piece that its reader is done with, if it is all that was read into its memory. New memory for each piece
 * would make the garbage collector, which counts it, go over the whole heap for every few dozen MiB.
 */
export function giveBack(piece: Uint8Array): void {
  const { buffer } = piece;
  if (piece.byteOffset !== 0 || lent.get(buffer) !== piece.length) return;
  lent.delete(buffer);
  if (free.length < LIMITS.upstream_read_buffers_kept) free.push(Buffer.from(buffer));
}

function isLargest(buffer: Uint8Array): boolean {
  return buffer.buffer.byteLength === LIMITS.upstream_read_bytes_max;
}

function remaining(buffer: Uint8Array, read_bytes: number): Uint8Array | undefined {
  const rest = buffer.subarray(read_bytes);
  const enough = rest.length >= Math.max(read_bytes, LIMITS.upstream_read_bytes_min);
  return enough && !isLargest(buffer) ? rest : undefined;
}

function fresh(read_bytes: number): Uint8Array {
  const { upstream_read_bytes, upstream_read_bytes_max } = LIMITS;
  const size_bytes = Math.min(Math.max(2 * read_bytes, upstream_read_bytes), upstream_read_bytes_max);
  const used = size_bytes === upstream_read_bytes_max ? free.pop() : undefined;
  return used ?? Buffer.allocUnsafeSlow(size_bytes);
}
