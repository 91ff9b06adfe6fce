import type { Body } from '../../contract/index.js';
import type { BlobRecord } from './blob-store.js';
import type { Block, BlockPool } from './block-pool.js';
import { type BlockSource, checkBlock, plainBlocks } from './block-reader.js';
import { closeFile, openFile, readError } from './durable-fs.js';
import { type FrameContext, openFrames } from './frame-source.js';
import { decodeInline } from './inline-frame.js';
import { BLOCK_BYTES, type BlobPaths } from './paths.js';

export interface ReadContext extends FrameContext {
  readonly paths: BlobPaths;
  readonly pool: BlockPool;
  /** Blocks that one reader fills ahead of its consumer, the one that is lent included. */
  readonly read_ahead_blocks: number;
  /** Blocks of the pool that no reader keeps while its consumer works. */
  readonly reserve_blocks: number;
  /** Chunk of a reader that got no block to keep. */
  readonly lean_chunk_bytes: number;
}

/** See BlobStore.read. */
export function readBlob(context: ReadContext, record: BlobRecord, start: number, end: number): Body {
  if (record.inline !== undefined) {
    if (record.inline.length > 0) checkBlock(record, 0, record.inline);
    return decodeInline(record, record.inline, context.keys).subarray(start, end + 1);
  }
  if (end < start) return new Uint8Array(0);
  return { [Symbol.asyncIterator]: () => readFile(context, record, start, end) };
}

async function* readFile(
  context: ReadContext,
  record: BlobRecord,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const fd = await openFile(context.paths.file(record.id.toString('hex')), 'r').catch((error: unknown) => {
    throw readError(error);
  });
  try {
    const source = await openBlocks(context, fd, record);
    yield* readBlocks(context, source, start, end);
  } finally {
    await closeFile(fd);
  }
}

/** What each codec has as its way to a block. */
export function openBlocks(
  context: FrameContext,
  fd: number,
  record: BlobRecord,
): BlockSource | Promise<BlockSource> {
  return record.codec === 'plain' ? plainBlocks(fd, record) : openFrames(context, fd, record);
}

interface Reading {
  readonly block: Block;
  readonly bytes: Promise<Buffer>;
}

async function* readBlocks(
  context: ReadContext,
  source: BlockSource,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { pool } = context;
  const last = Math.floor(end / BLOCK_BYTES);
  const ahead: Reading[] = [];
  let next = Math.floor(start / BLOCK_BYTES);

  const readAhead = () => {
    while (next <= last && ahead.length < context.read_ahead_blocks) {
      const block = pool.tryTake(context.reserve_blocks);
      if (block === undefined) return;
      const bytes = source.load(next, block);
      // It is awaited when its turn comes, perhaps never.
      bytes.catch(() => undefined);
      ahead.push({ block, bytes });
      next += 1;
    }
  };

  try {
    for (let index = next; index <= last; index += 1) {
      const from = Math.max(start - index * BLOCK_BYTES, 0);
      const to = Math.min(end - index * BLOCK_BYTES + 1, BLOCK_BYTES);
      readAhead();
      const current = ahead[0];
      if (current === undefined) {
        yield* readLean(context, source, index, from, to);
        next = index + 1;
        continue;
      }
      yield (await current.bytes).subarray(from, to);
      ahead.shift();
      pool.give(current.block);
    }
  } finally {
    // The kernel may still be filling them.
    for (const { block, bytes } of ahead) {
      await bytes.catch(() => undefined);
      pool.give(block);
    }
  }
}

/**
 * Many slow consumers would keep all blocks: when few are left, a block is only borrowed to read and check it, and the
 * consumer gets a small copy out of it. The whole block is read and checked again for each chunk, from the page cache.
 */
async function* readLean(
  context: ReadContext,
  source: BlockSource,
  index: number,
  from: number,
  to: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let done = from; done < to; done += context.lean_chunk_bytes) {
    const block = await context.pool.take();
    let chunk: Buffer;
    try {
      const bytes = await source.load(index, block);
      chunk = Buffer.from(bytes.subarray(done, Math.min(done + context.lean_chunk_bytes, to)));
    } finally {
      context.pool.give(block);
    }
    yield chunk;
  }
}
