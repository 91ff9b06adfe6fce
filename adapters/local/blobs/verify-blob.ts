import { hash } from 'node:crypto';
import { fstat } from 'node:fs';
import { promisify } from 'node:util';
import { isStoreError } from '../../contract/index.js';
import type { BlobRecord } from './blob-store.js';
import type { BlockPool } from './block-pool.js';
import { type BlockSource, checkBlock } from './block-reader.js';
import { closeFile, openFile, readError } from './durable-fs.js';
import type { FrameContext } from './frame-source.js';
import type { HashLanes } from './hash-lanes.js';
import { decodeInline } from './inline-frame.js';
import { BLOCK_BYTES, type BlobPaths } from './paths.js';
import { openBlocks } from './read-blob.js';

export interface VerifyContext extends FrameContext {
  readonly paths: BlobPaths;
  readonly pool: BlockPool;
  readonly lanes: HashLanes;
}

const stat = promisify(fstat);

/** See BlobStore.verify. Errors: `unavailable` when the disk gives no answer, the signal's reason when aborted. */
export async function verifyBlob(
  context: VerifyContext,
  record: BlobRecord,
  signal?: AbortSignal,
): Promise<boolean> {
  signal?.throwIfAborted();
  try {
    if (record.inline === undefined) return await verifyFile(context, record, signal);
    if (record.inline.length > 0) checkBlock(record, 0, record.inline);
    const bytes = decodeInline(record, record.inline, context.keys);
    return hash('sha256', bytes) === record.sha256.toString('hex');
  } catch (error) {
    if (isStoreError(error, 'corrupt')) return false;
    throw error;
  }
}

async function verifyFile(
  context: VerifyContext,
  record: BlobRecord,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  let fd: number | undefined;
  try {
    fd = await openFile(context.paths.file(record.id.toString('hex')), 'r');
    const source = await openBlocks(context, fd, record);
    if ((await stat(fd)).size !== source.file_bytes) return false;
    return (await sha256OfBlocks(context, source, record.size_bytes, signal)).equals(record.sha256);
  } catch (error) {
    signal?.throwIfAborted();
    throw readError(error);
  } finally {
    if (fd !== undefined) await closeFile(fd);
  }
}

async function sha256OfBlocks(
  context: VerifyContext,
  source: BlockSource,
  size_bytes: number,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const stream = context.lanes.open(['SHA256']);
  let hashing: Promise<void> = Promise.resolve();
  try {
    for (let index = 0; index * BLOCK_BYTES < size_bytes; index += 1) {
      signal?.throwIfAborted();
      const block = await context.pool.take();
      const length = await source.load(index, block).then(
        (bytes) => bytes.length,
        (error: unknown) => {
          context.pool.give(block);
          throw error;
        },
      );
      // The next block is read while this one is hashed; at most two are held.
      const before = hashing;
      hashing = stream.update(block, length).finally(() => context.pool.give(block));
      hashing.catch(() => undefined);
      await before;
    }
    await hashing;
    const [digest] = await stream.digest();
    return digest ?? Buffer.alloc(0);
  } finally {
    stream.drop();
  }
}
