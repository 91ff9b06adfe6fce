import { LIMITS } from '../../../config/limits.js';
import { StoreError } from '../../contract/index.js';
import type { BlobProtection } from './blob-store.js';
import { type BlockSink, createPlainSink } from './block-sink.js';
import type { DataKey, DataKeys } from './data-keys.js';
import { createFrameSink } from './frame-sink.js';
import type { Packer } from './packing.js';
import type { TemporaryFile } from './temporary-file.js';

export interface ProtectedSinkOptions {
  readonly file: TemporaryFile;
  readonly size_bytes: number;
  readonly protection: BlobProtection;
  readonly packer: Packer;
  readonly keys: DataKeys | undefined;
}

/** Compression is tried on the beginning; where that does not shrink, it is left out. */
export function createProtectedSink(options: ProtectedSinkOptions): BlockSink {
  const { file, size_bytes, protection, packer } = options;
  const key = protection.encrypt ? needKey(options.keys) : null;
  let choosing: Promise<BlockSink> | undefined;

  async function choose(beginning: Uint8Array): Promise<BlockSink> {
    const sample = beginning.subarray(0, LIMITS.blob_compress_sample_bytes);
    const shrinks = protection.compress && (await packer.pack(sample)) !== undefined;
    if (key === null && !shrinks) return createPlainSink(file, size_bytes);
    return createFrameSink({ file, size_bytes, key, packer: shrinks ? packer : null });
  }

  return {
    async write(part, position) {
      choosing ??= choose(part);
      await (await choosing).write(part, position);
    },
    async finish() {
      choosing ??= choose(NOTHING);
      return (await choosing).finish();
    },
  };
}

const NOTHING = new Uint8Array(0);

export function needKey(keys: DataKeys | undefined): DataKey {
  if (keys !== undefined) return keys.current;
  throw new StoreError('unavailable', 'content is to be encrypted, but no key was given', {
    subject: 'adapter',
  });
}
