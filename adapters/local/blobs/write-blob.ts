import { createHash } from 'node:crypto';
import { crc32c } from '@node-rs/crc32';
import type { Limiter } from '../../limiter.js';
import type { BlobFolders } from './blob-folders.js';
import type { BlobLocks, Unlock } from './blob-locks.js';
import type { BlobCodec, WriteBlobInput, WrittenBlob } from './blob-store.js';
import type { BlockPool } from './block-pool.js';
import { type BlockSink, createPlainSink } from './block-sink.js';
import { createBlockWriter } from './block-writer.js';
import {
  type BodyHasher,
  createInPlaceHasher,
  createLaneHasher,
  type Digests,
  hashBytes,
} from './body-hashers.js';
import type { DataKeys } from './data-keys.js';
import { writeError } from './durable-fs.js';
import { checkDigests, checkSize } from './expectations.js';
import type { HashLanes } from './hash-lanes.js';
import { encodeInline } from './inline-frame.js';
import { createInterruption, forEachChunk, type Interruption } from './interruption.js';
import type { Packer } from './packing.js';
import { createProtectedSink, needKey } from './protected-sink.js';
import { createTemporaryFile, type TemporaryFile } from './temporary-file.js';

export interface WriteContext {
  readonly inline_bytes_max: number;
  readonly hash_in_place_bytes_max: number;
  /** Bodies up to this size are hashed in place too as long as no workers run: they take longer to start. */
  readonly hash_meanwhile_bytes_max: number;
  readonly blocks_in_flight_max: number;
  /** From this size on, files are written past the page cache. */
  readonly direct_bytes_min: number;
  readonly direct_writes: Limiter;
  readonly writeback_bytes: number;
  readonly pool: BlockPool;
  readonly lanes: HashLanes;
  readonly locks: BlobLocks;
  readonly folders: BlobFolders;
  readonly long_syncs: Limiter;
  readonly packer: Packer;
  readonly keys: DataKeys | undefined;
  temporaryPath(): string;
}

const nothingToRelease: Unlock = () => {};

/** See BlobStore.write. An aborted signal ends it with the signal's reason. */
export async function writeBlob(context: WriteContext, input: WriteBlobInput): Promise<WrittenBlob> {
  // The commonest call of all: bytes that are all there and small.
  if (input.body instanceof Uint8Array && input.size_bytes <= context.inline_bytes_max) {
    input.signal?.throwIfAborted();
    return inlineBlob(context, input.body, input);
  }
  const interruption = createInterruption(input.signal);
  try {
    if (input.size_bytes <= context.inline_bytes_max) {
      return await inlineBlob(context, await collect(input, interruption), input);
    }
    return await writeBlobFile(context, input, interruption);
  } finally {
    interruption.dispose();
  }
}

function inlineBlob(
  context: WriteContext,
  bytes: Uint8Array,
  input: WriteBlobInput,
): WrittenBlob | Promise<WrittenBlob> {
  checkSize(bytes.length, input.size_bytes);
  const digests = hashBytes(bytes, input.algorithm);
  checkDigests(digests, input.expect);
  const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (input.protection === undefined || content.length === 0) {
    return inlineResult(digests, content.length, 'plain', content);
  }
  return encodeInline(content, input.protection, context.packer, context.keys).then(({ codec, stored }) =>
    inlineResult(digests, content.length, codec, stored),
  );
}

function inlineResult(
  { md5, sha256, checksum }: Digests,
  size_bytes: number,
  codec: BlobCodec,
  inline: Buffer,
): WrittenBlob {
  const block_crcs = Buffer.allocUnsafe(inline.length === 0 ? 0 : 4);
  if (inline.length > 0) block_crcs.writeUInt32BE(crc32c(inline) >>> 0);
  const record = { id: sha256, sha256, size_bytes, codec, inline, block_crcs };
  return { record, md5, checksum, release: nothingToRelease };
}

/** Chunks are lent, so each is copied; memory grows with what has come, not with what was announced. */
async function collect(input: WriteBlobInput, interruption: Interruption): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let received = 0;
  await forEachChunk(input.body, interruption, (chunk) => {
    received += chunk.length;
    if (received > input.size_bytes) checkSize(received, input.size_bytes);
    chunks.push(Buffer.from(chunk));
    return undefined;
  });
  const [first] = chunks;
  return first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks, received);
}

async function writeBlobFile(
  context: WriteContext,
  input: WriteBlobInput,
  interruption: Interruption,
): Promise<WrittenBlob> {
  const file = createTemporaryFile({
    path: context.temporaryPath(),
    direct_writes: input.size_bytes >= context.direct_bytes_min ? context.direct_writes : undefined,
    writeback_bytes: context.writeback_bytes,
    long_syncs: context.long_syncs,
  });
  try {
    const { digests, codec, block_crcs } = await receive(context, input, interruption, file);
    const { md5, sha256, checksum } = digests;
    const id = nameOf(context, sha256, codec);
    await file.finish();
    interruption.check();
    const release = await publish(context, file.path, id.toString('hex'));
    const record = { id, sha256, size_bytes: input.size_bytes, codec, block_crcs };
    return { record, md5, checksum, release };
  } catch (error) {
    await file.discard();
    throw error;
  }
}

async function receive(
  context: WriteContext,
  input: WriteBlobInput,
  interruption: Interruption,
  file: TemporaryFile,
) {
  const hasher = chooseHasher(context, input);
  const writer = createBlockWriter({
    pool: context.pool,
    hasher,
    sink: chooseSink(context, input, file),
    interruption,
    blocks_in_flight_max: context.blocks_in_flight_max,
  });
  try {
    let received = 0;
    const take = (chunk: Uint8Array) => {
      received += chunk.length;
      if (received > input.size_bytes) checkSize(received, input.size_bytes);
      return writer.add(chunk);
    };
    await forEachChunk(input.body, interruption, take, writer.pause);
    checkSize(received, input.size_bytes);
    const stored = await writer.end();
    const digests = await hasher.digest();
    checkDigests(digests, input.expect);
    return { ...stored, digests };
  } catch (error) {
    await writer.abandon();
    throw error;
  }
}

function chooseHasher(
  { lanes, hash_in_place_bytes_max, hash_meanwhile_bytes_max }: WriteContext,
  { size_bytes, algorithm }: WriteBlobInput,
): BodyHasher {
  if (size_bytes <= hash_in_place_bytes_max) return createInPlaceHasher(algorithm);
  if (!lanes.ready) {
    // For this upload or the next. A worker that cannot start is told to the upload that needs it.
    lanes.start().catch(() => undefined);
    if (size_bytes <= hash_meanwhile_bytes_max) return createInPlaceHasher(algorithm);
  }
  return createLaneHasher(lanes, algorithm);
}

function chooseSink(context: WriteContext, input: WriteBlobInput, file: TemporaryFile): BlockSink {
  const { size_bytes, protection } = input;
  if (protection === undefined) return createPlainSink(file, size_bytes);
  return createProtectedSink({ file, size_bytes, protection, packer: context.packer, keys: context.keys });
}

/** Files of different codecs stand side by side: content that has to be encrypted must not lie there readable. */
function nameOf(context: WriteContext, sha256: Buffer, codec: BlobCodec): Buffer {
  switch (codec) {
    case 'plain':
      return sha256;
    case 'packed':
      return createHash('sha256').update('packed').update(sha256).digest();
    case 'sealed':
      return needKey(context.keys).blobName(sha256);
  }
}

/**
 * A file of that name is replaced even if it is there already: ours has just been checked, and the old one may have
 * rotted or been moved aside. Readers that have the old one open go on with it.
 */
async function publish(context: WriteContext, temporary: string, hex: string): Promise<Unlock> {
  const release = await context.locks.share(hex);
  try {
    await context.folders.publish(temporary, hex);
    return release;
  } catch (error) {
    release();
    throw writeError(error);
  }
}
