import { crc32c } from '@node-rs/crc32';
import type { BlobCodec } from './blob-store.js';
import { BLOCK_BYTES } from './paths.js';
import type { TemporaryFile } from './temporary-file.js';

/** Brings the bytes of one blob into its file. */
export interface BlockSink {
  /** Parts come one after the other, none across the border of two blocks; each stays untouched until it resolves. */
  write(part: Uint8Array, position: number): Promise<void>;
  /** When all writes have resolved. */
  finish(): Promise<SinkResult>;
}

export interface SinkResult {
  readonly codec: BlobCodec;
  /** See BlobRecord. */
  readonly block_crcs: Buffer;
}

/** Bytes as they are. */
export function createPlainSink(file: TemporaryFile, size_bytes: number): BlockSink {
  const block_crcs = Buffer.alloc(4 * Math.ceil(size_bytes / BLOCK_BYTES));
  let crc = 0;
  return {
    write(part, position) {
      crc = crc32c(part, crc);
      block_crcs.writeUInt32BE(crc >>> 0, 4 * Math.floor(position / BLOCK_BYTES));
      if ((position + part.length) % BLOCK_BYTES === 0) crc = 0;
      return file.write(part, position);
    },
    finish: async () => ({ codec: 'plain', block_crcs }),
  };
}
