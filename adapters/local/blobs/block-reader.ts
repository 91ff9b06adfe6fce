import { crc32c } from '@node-rs/crc32';
import { StoreError } from '../../contract/index.js';
import type { BlobRecord } from './blob-store.js';
import type { Block } from './block-pool.js';
import { readError, readFully } from './durable-fs.js';
import { BLOCK_BYTES, blockLength } from './paths.js';

/** Reads one whole block of a blob's file into `block` and checks it. Errors: corrupt, unavailable. */
export async function readBlock(
  fd: number,
  record: BlobRecord,
  index: number,
  block: Block,
): Promise<Buffer> {
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

function corrupt(record: BlobRecord, what: string): StoreError {
  const sha256 = record.id.toString('hex');
  return new StoreError('corrupt', `blob ${sha256}: ${what}`, { detail: { sha256 } });
}
