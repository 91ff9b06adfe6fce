import { hash } from 'node:crypto';
import { fstat } from 'node:fs';
import { promisify } from 'node:util';
import { isStoreError } from '../../contract/index.js';
import type { BlobRecord } from './blob-store.js';
import type { BlockPool } from './block-pool.js';
import { checkBlock, readBlock } from './block-reader.js';
import { closeFile, openFile, readError } from './durable-fs.js';
import type { HashLanes } from './hash-lanes.js';
import { BLOCK_BYTES, type BlobPaths } from './paths.js';

export interface VerifyContext {
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
    return hash('sha256', record.inline) === record.id.toString('hex');
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
    if ((await stat(fd)).size !== record.size_bytes) return false;
    return (await sha256OfFile(context, fd, record, signal)).equals(record.id);
  } catch (error) {
    signal?.throwIfAborted();
    throw readError(error);
  } finally {
    if (fd !== undefined) await closeFile(fd);
  }
}

async function sha256OfFile(
  context: VerifyContext,
  fd: number,
  record: BlobRecord,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const stream = context.lanes.open(['SHA256']);
  let hashing: Promise<void> = Promise.resolve();
  try {
    for (let index = 0; index * BLOCK_BYTES < record.size_bytes; index += 1) {
      signal?.throwIfAborted();
      const block = await context.pool.take();
      const length = await readBlock(fd, record, index, block).then(
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
