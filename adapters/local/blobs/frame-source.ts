import { crc32c } from '@node-rs/crc32';
import { StoreError } from '../../contract/index.js';
import type { BlobRecord } from './blob-store.js';
import type { Block } from './block-pool.js';
import { type BlockSource, corrupt } from './block-reader.js';
import type { DataKeys } from './data-keys.js';
import { readError, readFully } from './durable-fs.js';
import { openFrame } from './frame-cipher.js';
import { type FrameTable, parseFrameTable, tableLength } from './frame-table.js';
import type { Packer } from './packing.js';
import { blockLength } from './paths.js';

export interface FrameContext {
  readonly packer: Packer;
  readonly keys: DataKeys | undefined;
}

/** The blocks of a blob whose file holds frames. Errors: corrupt, unavailable. */
export async function openFrames(
  context: FrameContext,
  fd: number,
  record: BlobRecord,
): Promise<BlockSource> {
  const sealed = record.codec === 'sealed';
  const head = Buffer.allocUnsafe(tableLength(record.size_bytes, sealed));
  const done = await readFully(fd, head, 0).catch(fail);
  const table = parseFrameTable(head.subarray(0, done), record.size_bytes, sealed);
  if (typeof table === 'string') throw corrupt(record, table);
  const blob_key = keyOf(record, table, context.keys);
  return {
    file_bytes: table.file_bytes,
    async load(index, block) {
      const stored = await readFrame(fd, record, table, index, block);
      const { packed, tag } = table.entry(index);
      const address = { size_bytes: record.size_bytes, index, packed };
      const opened = blob_key === undefined ? stored : openFrame(blob_key, address, stored, tag);
      if (opened === undefined) throw corrupt(record, `frame ${index} is not the one that was encrypted`);
      const length = blockLength(record, index);
      const bytes = packed ? await unpack(context, record, opened, length) : opened;
      if (bytes.length !== length) throw corrupt(record, `frame ${index} has a wrong length`);
      if (bytes !== stored) block.bytes.set(bytes);
      return block.bytes.subarray(0, length);
    },
  };
}

async function readFrame(
  fd: number,
  record: BlobRecord,
  table: FrameTable,
  index: number,
  block: Block,
): Promise<Uint8Array> {
  const { stored_bytes, crc } = table.entry(index);
  const stored = block.bytes.subarray(0, stored_bytes);
  const done = await readFully(fd, stored, table.offset(index)).catch(fail);
  if (done < stored_bytes) throw corrupt(record, `its file ends inside frame ${index}`);
  if (crc32c(stored) >>> 0 !== crc) throw corrupt(record, `frame ${index} does not match its CRC32C`);
  return stored;
}

async function unpack(
  { packer }: FrameContext,
  record: BlobRecord,
  bytes: Uint8Array,
  length: number,
): Promise<Buffer> {
  return packer.unpack(bytes, length).catch(() => {
    throw corrupt(record, 'a frame cannot be decompressed');
  });
}

/** Undefined where the frames are not encrypted. */
export function keyOf(record: BlobRecord, table: FrameTable, keys: DataKeys | undefined): Buffer | undefined {
  if (record.codec !== 'sealed') return undefined;
  const key = keys?.find(table.key_id);
  if (key !== undefined) return key.blobKey(table.salt);
  const key_id = table.key_id.toString('hex');
  throw new StoreError('unavailable', `content is encrypted with the key ${key_id}, which was not given`, {
    subject: 'adapter',
    detail: { key_id },
  });
}

function fail(error: unknown): never {
  throw readError(error);
}
