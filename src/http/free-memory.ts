import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { LIMITS } from '../../config/limits.js';

/**
 * Frees the memory of a piece of a body at once; the piece is empty afterwards. Left to the garbage collector, which
 * counts it, a body of 256 MiB makes that go over the whole heap twenty times.
 *
 * Only for pieces that nobody looks at any more, whoever got them from whom, and that came from a socket. Nothing
 * happens to those that share their memory with others, nor where memory cannot be freed.
 */
export function freeMemory(piece: Uint8Array): void {
  const { buffer, length } = piece;
  // Node's pool for small pieces is never taken by one of them alone.
  if (length < LIMITS.freed_piece_bytes_min || length !== buffer.byteLength) return;
  transfer ??= findTransfer();
  try {
    transfer.call(buffer, 0);
  } catch {
    // Memory that other threads see, or WebAssembly: it stays as it is.
  }
}

/** ECMAScript 2024, "ArrayBuffer.prototype.transfer": the old one is detached, and of the new one nothing is left. */
type Transfer = (this: ArrayBufferLike, size_bytes: number) => unknown;

let transfer: Transfer | undefined;

const leave: Transfer = () => undefined;

/** Node 20 has it, but shows it to new contexts only, and if it is told to. */
function findTransfer(): Transfer {
  const { transfer: own } = ArrayBuffer.prototype as { readonly transfer?: Transfer };
  if (own !== undefined) return own;
  try {
    setFlagsFromString('--harmony-rab-gsab-transfer');
    return (runInNewContext('ArrayBuffer.prototype.transfer') as Transfer | undefined) ?? leave;
  } catch {
    return leave;
  } finally {
    setFlagsFromString('--no-harmony-rab-gsab-transfer');
  }
}
