import { crc32c } from '@node-rs/crc32';
import { StoreError } from '../../contract/index.js';
import type { BlobRecord } from './blob-store.js';
import type { Block } from './block-pool.js';
import { readError, readFully } from './durable-fs.js';
import { BLOCK_BYTES, blockLength } from './paths.js';

/** The blocks of one open blob. */
export interface BlockSource {
  /** How long its file has to be. */
  readonly file_bytes: number;
  /** One whole block of the content, read into `block` and checked. Errors: corrupt, unavailable. */
  load(index: number, block: Block): Promise<Buffer>;
}

/** A file that holds the content as it is. */
export function plainBlocks(fd: number, record: BlobRecord): BlockSource {
  return {
    file_bytes: record.size_bytes,
    load: (index, block) => readBlock(fd, record, index, block),
  };
}

async function readBlock(fd: number, record: BlobRecord, index: number, block: Block): Promise<Buffer> {
  const length = blockLength(record, index);
  const bytes = block.bytes.subarray(0, length);
  const done = await readFully(fd, bytes, index * BLOCK_BYTES).catch((error: unknown) => {
    throw readError(error);
  });
  if (done < length) throw corrupt(record, `its file ends ${length - done} bytes early in block ${index}`);
  checkBlock(record, index, bytes);
  return bytes;
}

export function checkBlock(record: BlobRecord, index: number, bytes: Uint8Array): void {
  if (4 * index + 4 > record.block_crcs.length)
    throw corrupt(record, `no checksum of block ${index} is known`);
  if (crc32c(bytes) >>> 0 !== record.block_crcs.readUInt32BE(4 * index)) {
    throw corrupt(record, `block ${index} does not match its CRC32C`);
  }
}

export function corrupt(record: BlobRecord, what: string): StoreError {
  const sha256 = record.sha256.toString('hex');
  return new StoreError('corrupt', `blob ${sha256}: ${what}`, { detail: { sha256 } });
}
