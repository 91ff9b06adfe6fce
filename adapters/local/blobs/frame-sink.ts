import { randomBytes } from 'node:crypto';
import { crc32c } from '@node-rs/crc32';
import type { BlockSink } from './block-sink.js';
import type { DataKey } from './data-keys.js';
import { type FrameSealer, sealFrame } from './frame-cipher.js';
import { createFrameTable, SALT_BYTES } from './frame-table.js';
import type { Packer } from './packing.js';
import { BLOCK_BYTES } from './paths.js';
import type { TemporaryFile } from './temporary-file.js';

export interface FrameSinkOptions {
  readonly file: TemporaryFile;
  readonly size_bytes: number;
  /** Compresses what shrinks; null: nothing. */
  readonly packer: Packer | null;
  /** Null: not encrypted. */
  readonly key: DataKey | null;
}

interface OpenFrame {
  readonly packed: boolean;
  readonly sealer: FrameSealer | undefined;
  stored_bytes: number;
  crc: number;
}

const NOTHING = Buffer.alloc(0);

/** Frames behind the table that describes them (frame-table.ts). */
export function createFrameSink({ file, size_bytes, packer, key }: FrameSinkOptions): BlockSink {
  const salt = key === null ? NOTHING : randomBytes(SALT_BYTES);
  const blob_key = key?.blobKey(salt);
  const table = createFrameTable(size_bytes, key && { key_id: key.id, salt });
  let frame_at = table.length;
  let open: OpenFrame | undefined;
  let turn: Promise<unknown> = Promise.resolve();

  function begin(index: number, packed: boolean): OpenFrame {
    const sealer = blob_key === undefined ? undefined : sealFrame(blob_key, { size_bytes, index, packed });
    return { packed, sealer, stored_bytes: 0, crc: 0 };
  }

  /** Where a frame begins depends on how long those before it came out, so this is called in their order. */
  function place(part: Uint8Array, position: number, packed: Buffer | undefined): Promise<void> {
    const index = Math.floor(position / BLOCK_BYTES);
    const frame = open ?? begin(index, packed !== undefined);
    const bytes = packed ?? part;
    const stored = frame.sealer?.update(bytes) ?? bytes;
    const at = frame_at + frame.stored_bytes;
    frame.stored_bytes += stored.length;
    frame.crc = crc32c(stored, frame.crc);
    const end = position + part.length;
    if (end % BLOCK_BYTES === 0 || end === size_bytes) {
      const { stored_bytes, crc } = frame;
      const tag = frame.sealer?.tag() ?? NOTHING;
      table.set(index, { stored_bytes, packed: frame.packed, crc: crc >>> 0, tag });
      frame_at += stored_bytes;
      open = undefined;
    } else open = frame;
    return file.write(stored, at);
  }

  /** A block that had to be sent off half full (BlockWriter.pause) is one frame all the same, but not compressed. */
  function isWhole(part: Uint8Array, position: number): boolean {
    return position % BLOCK_BYTES === 0 && part.length === Math.min(BLOCK_BYTES, size_bytes - position);
  }

  return {
    async write(part, position) {
      const packing = packer !== null && isWhole(part, position) ? packer.pack(part) : undefined;
      // Blocks are compressed side by side and placed one after the other; writing one delays no other.
      const placing = Promise.all([packing, turn]).then(([packed]) => ({
        writing: place(part, position, packed),
      }));
      turn = placing;
      await (await placing).writing;
    },
    async finish() {
      await file.write(table.finish(), 0);
      return { codec: key === null ? 'packed' : 'sealed', block_crcs: Buffer.alloc(0) };
    },
  };
}
