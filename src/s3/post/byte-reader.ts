import type { Body } from '../../../adapters/contract/index.js';

/** Reads a stream up to delimiters that may lie across its chunks. */
export interface ByteReader {
  /** Puts bytes in front of those that come next. */
  unshift(bytes: Buffer): void;
  /** How many bytes have been handed out, delimiters included. */
  consumed(): number;
  /** What comes before the delimiter, which is passed over. Undefined when it does not come within `bytes_max`. */
  readUntil(delimiter: Buffer, bytes_max: number): Promise<Buffer | undefined>;
  /** The same in chunks of any length; ends early, without a word, where the stream ends before the delimiter. */
  chunksUntil(delimiter: Buffer): AsyncGenerator<Buffer, void, undefined>;
}

export function createByteReader(body: Body): ByteReader {
  const source = body instanceof Uint8Array ? [body].values() : body[Symbol.asyncIterator]();
  let buffer = Buffer.alloc(0);
  let consumed_bytes = 0;

  async function more(): Promise<boolean> {
    const next = await source.next();
    if (next.done === true) return false;
    // Chunks may be lent: this is the copy.
    buffer = Buffer.concat([buffer, next.value]);
    return true;
  }

  function take(length: number): Buffer {
    const bytes = buffer.subarray(0, length);
    buffer = buffer.subarray(length);
    consumed_bytes += length;
    return bytes;
  }

  return {
    unshift(bytes) {
      buffer = Buffer.concat([bytes, buffer]);
    },
    consumed: () => consumed_bytes,
    async readUntil(delimiter, bytes_max) {
      for (;;) {
        const at = buffer.indexOf(delimiter);
        if (at !== -1 && at <= bytes_max) {
          const bytes = take(at);
          take(delimiter.length);
          return bytes;
        }
        if (at !== -1 || buffer.length > bytes_max + delimiter.length || !(await more())) {
          take(buffer.length);
          return undefined;
        }
      }
    },
    async *chunksUntil(delimiter) {
      for (;;) {
        const at = buffer.indexOf(delimiter);
        if (at !== -1) {
          if (at > 0) yield take(at);
          take(delimiter.length);
          return;
        }
        // The end of what is there may be the beginning of the delimiter.
        const safe = buffer.length - delimiter.length + 1;
        if (safe > 0) yield take(safe);
        if (!(await more())) return;
      }
    },
  };
}
