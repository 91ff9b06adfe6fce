import type { OnReadOpts, Socket } from 'node:net';
import { LIMITS } from '../../config/limits.js';

/**
 * Memory for what comes from an upstream. By itself a socket reads 64 KiB at a time into memory of its own, cut to what
 * came. Here a large answer is read in pieces of up to 1 MiB, into memory that is used again: for the kernel that is half
 * the work, and new memory would make the garbage collector, which counts it, go over the whole heap for every few dozen
 * MiB. Small answers lie behind one another in the same memory.
 *
 * For all connections of an agent: node asks for the next buffer as soon as it has told of the last one.
 */
export function growingReads(): OnReadOpts {
  let next: Uint8Array | undefined;
  return {
    buffer() {
      const given = next ?? small();
      next = undefined;
      return given;
    },
    callback(this: Socket, read_bytes, buffer) {
      next = following(buffer, read_bytes);
      if (isLarge(buffer)) lent.set(buffer.buffer, read_bytes);
      last_read = this;
      return this.push(buffer.subarray(0, read_bytes));
    },
  };
}

let last_read: Socket | undefined;

/** The connection that was read from last; in the turn in which an answer begins, the one that it comes on. */
export function lastRead(): Socket | undefined {
  return last_read;
}

/** How much was read into each of the large buffers that are out. Each is read into once, then given back. */
const lent = new WeakMap<ArrayBufferLike, number>();

/** Sizes of large buffers, and those that are free. */
const LARGE = LIMITS.upstream_large_reads.map((kind) => ({ ...kind, free: [] as Uint8Array[] }));

/**
 * Takes back a piece that its reader is done with, as he is with all before it. The last piece of what was read at once
 * frees that memory; what nobody gives back is left to the garbage collector.
 */
export function giveBack(piece: Uint8Array): void {
  const { buffer } = piece;
  if (lent.get(buffer) !== piece.byteOffset + piece.length) return;
  lent.delete(buffer);
  const kind = LARGE.find(({ size_bytes }) => size_bytes === buffer.byteLength);
  if (kind !== undefined && kind.free.length < kind.kept_max) kind.free.push(Buffer.from(buffer));
}

let large_answers = 0;

/** Tells that a large answer comes, until the returned function is called: the more of them, the smaller the pieces. */
export function expectLarge(): () => void {
  large_answers += 1;
  return () => {
    large_answers -= 1;
  };
}

/** The rest of a small buffer, or one as large as what comes now seems to want. */
function following(buffer: Uint8Array, read_bytes: number): Uint8Array {
  const { upstream_read_bytes, upstream_read_bytes_min } = LIMITS;
  if (isLarge(buffer)) return read_bytes < upstream_read_bytes_min ? small() : large();
  if (read_bytes === upstream_read_bytes) return large();
  const rest = buffer.subarray(read_bytes);
  return rest.length >= Math.max(read_bytes, upstream_read_bytes_min) ? rest : small();
}

function isLarge({ buffer }: Uint8Array): boolean {
  return LARGE.some(({ size_bytes }) => size_bytes === buffer.byteLength);
}

function small(): Uint8Array {
  return Buffer.allocUnsafeSlow(LIMITS.upstream_read_bytes);
}

function large(): Uint8Array {
  const kind = LARGE.find(({ answers_max }) => large_answers <= answers_max);
  return kind === undefined ? small() : (kind.free.pop() ?? Buffer.allocUnsafeSlow(kind.size_bytes));
}
