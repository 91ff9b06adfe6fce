import type { Body } from '../../contract/index.js';
import { notAsWritten } from '../recoded/codec.js';

/** Takes a body apart in lengths that are known one by one. */
export interface ByteReader {
  /** A copy: chunks of a body are lent. Fails with `corrupt` where the body ends before. */
  take(bytes: number): Promise<Buffer>;
  close(): Promise<void>;
}

export function createByteReader(body: Body): ByteReader {
  const chunks = body instanceof Uint8Array ? undefined : body[Symbol.asyncIterator]();
  let chunk: Uint8Array = body instanceof Uint8Array ? body : new Uint8Array(0);
  return {
    async take(bytes) {
      const taken = Buffer.allocUnsafe(bytes);
      for (let at = 0; at < bytes; ) {
        if (chunk.length === 0) {
          const next = await chunks?.next();
          if (next === undefined || next.done === true) throw notAsWritten();
          chunk = next.value;
          continue;
        }
        const piece = chunk.subarray(0, bytes - at);
        taken.set(piece, at);
        at += piece.length;
        chunk = chunk.subarray(piece.length);
      }
      return taken;
    },
    async close() {
      await chunks?.return?.();
    },
  };
}
