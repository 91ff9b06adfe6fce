import { promisify } from 'node:util';
import {
  type BrotliOptions,
  brotliCompress,
  brotliCompressSync,
  brotliDecompress,
  brotliDecompressSync,
  constants,
} from 'node:zlib';
import { LIMITS } from '../../../config/limits.js';
import type { Limiter } from '../../limiter.js';

/**
 * Brotli at its second lowest quality (RFC 7932). Source text, in MB/s of one core and in what is left of it: brotli 1:
 * 71, 28 %; deflate 1: 48, 30 %; deflate 6: 19, 25 %; brotli 4: 32, 25 %. On bytes that do not shrink brotli 1 gives up
 * at 470 MB/s, deflate at 20.
 */
const QUALITY = 1;
/** A window of 2^19 bytes is a whole block. */
const WINDOW_BITS = 19;

const compress = promisify<Uint8Array, BrotliOptions, Buffer>(brotliCompress);
const decompress = promisify<Uint8Array, BrotliOptions, Buffer>(brotliDecompress);

function optionsFor(bytes: Uint8Array): BrotliOptions {
  return {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: QUALITY,
      [constants.BROTLI_PARAM_LGWIN]: WINDOW_BITS,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  };
}

/** Compresses bytes; undefined where that saves less than a twentieth. */
export interface Packer {
  /** `bytes` must stay untouched until it resolves. */
  pack(bytes: Uint8Array): Promise<Buffer | undefined>;
  /** Fails where the bytes are no compressed ones, or come out as another number than expected. */
  unpack(bytes: Uint8Array, size_bytes: number): Promise<Buffer>;
}

/** `limit`: compression holds threads of the pool that all file and index work runs on. */
export function createPacker(limit: Limiter): Packer {
  return {
    async pack(bytes) {
      if (bytes.length < LIMITS.blob_compress_bytes_min) return undefined;
      const packed =
        bytes.length <= LIMITS.blob_compress_in_place_bytes_max
          ? brotliCompressSync(bytes, optionsFor(bytes))
          : await limit(() => compress(bytes, optionsFor(bytes)));
      return packed.length <= bytes.length * WORTH_IT ? packed : undefined;
    },
    unpack: async (bytes, size_bytes) =>
      requireSize(await limit(() => decompress(bytes, unpackOptions(size_bytes))), size_bytes),
  };
}

const WORTH_IT = 0.95;

/** In place, for contents that live in the index. */
export function unpackSmall(bytes: Uint8Array, size_bytes: number): Buffer {
  return requireSize(brotliDecompressSync(bytes, unpackOptions(size_bytes)), size_bytes);
}

function unpackOptions(size_bytes: number): BrotliOptions {
  return { chunkSize: Math.max(size_bytes, constants.Z_MIN_CHUNK), maxOutputLength: size_bytes };
}

function requireSize(bytes: Buffer, size_bytes: number): Buffer {
  if (bytes.length !== size_bytes) throw new RangeError(`${bytes.length} bytes instead of ${size_bytes}`);
  return bytes;
}
