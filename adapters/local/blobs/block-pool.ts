import { BLOCK_BYTES } from './paths.js';

/** A reused buffer of BLOCK_BYTES. `index` names it for as long as it lives. */
export interface Block {
  readonly index: number;
  readonly bytes: Buffer<ArrayBufferLike>;
}

/** A bounded number of reused blocks. Memory is taken when a block is first needed and given back by `trim`. */
export interface BlockPool {
  /** Waits for its turn when all blocks are taken; those who hold one without need are asked to hurry. */
  take(): Promise<Block>;
  /** A block at once, as long as more than `reserve` blocks stay free. */
  tryTake(reserve: number): Block | undefined;
  give(block: Block): void;
  /**
   * Registers a holder that waits for something slow with a block in its hands. `hurry` is called at most once, when
   * somebody else needs a block; the returned function withdraws the offer.
   */
  offer(hurry: () => void): () => void;
  /** Frees the memory of blocks that nobody holds. */
  trim(): void;
  /** Blocks that exist, taken or not. */
  readonly size: number;
}

export function createBlockPool(options: {
  readonly blocks_max: number;
  readonly shared: boolean;
}): BlockPool {
  const free: Block[] = [];
  const waiting: ((block: Block) => void)[] = [];
  const offers = new Set<() => void>();
  let size = 0;
  let nextIndex = 0;

  function allocate(): Block | undefined {
    if (size >= options.blocks_max) return undefined;
    size += 1;
    nextIndex += 1;
    const memory = options.shared ? new SharedArrayBuffer(BLOCK_BYTES) : new ArrayBuffer(BLOCK_BYTES);
    return { index: nextIndex, bytes: Buffer.from(memory) };
  }

  function hurryOne(): void {
    for (const hurry of offers) {
      offers.delete(hurry);
      hurry();
      return;
    }
  }

  return {
    take() {
      const block = waiting.length === 0 ? (free.pop() ?? allocate()) : undefined;
      if (block !== undefined) return Promise.resolve(block);
      return new Promise((resolve) => {
        waiting.push(resolve);
        hurryOne();
      });
    },
    tryTake(reserve) {
      if (options.blocks_max - size + free.length <= reserve || waiting.length > 0) return undefined;
      return free.pop() ?? allocate();
    },
    give(block) {
      const next = waiting.shift();
      if (next === undefined) free.push(block);
      else next(block);
    },
    offer(hurry) {
      if (waiting.length > 0) {
        hurry();
        return () => {};
      }
      offers.add(hurry);
      return () => offers.delete(hurry);
    },
    trim() {
      size -= free.length;
      free.length = 0;
    },
    get size() {
      return size;
    },
  };
}
