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
      const rest = buffer.subarray(read_bytes);
      next = rest.length >= Math.max(read_bytes, LIMITS.upstream_read_bytes_min) ? rest : fresh(read_bytes);
      return this.push(buffer.subarray(0, read_bytes));
    },
  };
}

function fresh(read_bytes: number): Uint8Array {
  const { upstream_read_bytes, upstream_read_bytes_max } = LIMITS;
  return Buffer.allocUnsafeSlow(
    Math.min(Math.max(2 * read_bytes, upstream_read_bytes), upstream_read_bytes_max),
  );
}
