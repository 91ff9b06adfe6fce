import type { Block, BlockPool } from './block-pool.js';
import type { BlockSink, SinkResult } from './block-sink.js';
import type { BodyHasher } from './body-hashers.js';
import type { Interruption } from './interruption.js';
import { BLOCK_BYTES } from './paths.js';

/** Gathers a body into blocks; each is hashed and stored while the next one fills. */
export interface BlockWriter {
  /** Resolves when the chunk has been copied; it waits while too much is under way. */
  add(chunk: Uint8Array): Promise<void> | undefined;
  /**
   * To be called before a wait for the body: until the returned function is called, others who need a block may make
   * this writer send off the half-full one that it holds. So slow senders cannot starve the others of blocks.
   */
  pause(): () => void;
  /** Waits until everything is hashed and written. */
  end(): Promise<SinkResult>;
  /** Gives the blocks back when what is under way has ended. */
  abandon(): Promise<void>;
}

export interface BlockWriterOptions {
  readonly pool: BlockPool;
  readonly hasher: BodyHasher;
  readonly sink: BlockSink;
  readonly interruption: Interruption;
  /** Of this writer, the one being filled not counted. */
  readonly blocks_in_flight_max: number;
}

export function createBlockWriter(options: BlockWriterOptions): BlockWriter {
  const { pool, hasher, sink, interruption } = options;
  const inFlight = new Set<Promise<void>>();
  let block: Block | undefined;
  let filled = 0;
  let position = 0;

  function dispatch(): void {
    if (block === undefined) return;
    const sent = block;
    const part = sent.bytes.subarray(0, filled);
    const work = Promise.allSettled([hasher.update(sent, filled), sink.write(part, position)]).then(
      (outcomes) => {
        for (const outcome of outcomes) {
          if (outcome.status === 'rejected') interruption.interrupt(outcome.reason);
        }
        inFlight.delete(work);
        pool.give(sent);
      },
    );
    inFlight.add(work);
    position += filled;
    block = undefined;
    filled = 0;
  }

  async function takeBlock(): Promise<Block> {
    while (inFlight.size >= options.blocks_in_flight_max) await Promise.race(inFlight);
    const taken = await pool.take();
    block = taken;
    interruption.check();
    return taken;
  }

  /** Copies what fits; a block that has been sent off half full is followed by a shorter one. */
  function fill(into: Block, chunk: Uint8Array): number {
    const room = BLOCK_BYTES - ((position + filled) % BLOCK_BYTES);
    const length = Math.min(room, chunk.length);
    // Into shared memory `set` copies byte by byte where the two are aligned differently: ten times slower.
    into.bytes.fill(length === chunk.length ? chunk : chunk.subarray(0, length), filled, filled + length);
    filled += length;
    if (length === room) dispatch();
    return length;
  }

  async function addSlowly(chunk: Uint8Array, offset: number): Promise<void> {
    for (let done = offset; done < chunk.length; ) {
      done += fill(block ?? (await takeBlock()), chunk.subarray(done));
    }
  }

  return {
    add(chunk) {
      if (chunk.length === 0) return undefined;
      const done = block === undefined ? 0 : fill(block, chunk);
      return done === chunk.length ? undefined : addSlowly(chunk, done);
    },
    pause: () => (block === undefined ? () => {} : pool.offer(dispatch)),
    async end() {
      dispatch();
      await Promise.all(inFlight);
      interruption.check();
      return sink.finish();
    },
    async abandon() {
      hasher.drop();
      await Promise.all(inFlight);
      if (block !== undefined) pool.give(block);
      block = undefined;
    },
  };
}
