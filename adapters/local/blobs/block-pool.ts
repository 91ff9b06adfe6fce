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
  /** Frees the memory of blocks that nobody holds; that of shared blocks only when nobody holds any. */
  trim(): void;
  /** Blocks that exist, taken or not. */
  readonly size: number;
}

/** Where a pool has its blocks from. */
interface BlockMemory {
  allocate(): Buffer<ArrayBufferLike>;
  /** How many of `free` blocks it can do without, of `size` that exist. */
  release(free: number, size: number): number;
}

const OWN_MEMORY: BlockMemory = {
  allocate: () => Buffer.from(new ArrayBuffer(BLOCK_BYTES)),
  release: (free) => free,
};

const WASM_PAGE_BYTES = 64 * 1024;

/**
 * For blocks that workers see and that are written past the page cache, which asks for memory at the border of a page:
 * a memory of WebAssembly is the only one that JavaScript can get there. All blocks lie in one, which grows.
 */
function sharedMemory(blocks_max: number): BlockMemory {
  const pages = BLOCK_BYTES / WASM_PAGE_BYTES;
  let memory: WebAssembly.Memory | undefined;
  return {
    allocate() {
      try {
        memory ??= new WebAssembly.Memory({ initial: 0, maximum: blocks_max * pages, shared: true });
        const offset = memory.grow(pages) * WASM_PAGE_BYTES;
        return Buffer.from(memory.buffer, offset, BLOCK_BYTES);
      } catch {
        // It reserves far more address space than it uses, which `ulimit -v` may refuse. Blocks may lie anywhere: what
        // cannot be written past the page cache is written through it.
        return Buffer.from(new SharedArrayBuffer(BLOCK_BYTES));
      }
    },
    release(free, size) {
      if (free < size) return 0;
      memory = undefined;
      return free;
    },
  };
}

export function createBlockPool(options: {
  readonly blocks_max: number;
  /** With worker threads. */
  readonly shared: boolean;
}): BlockPool {
  const memory = options.shared ? sharedMemory(options.blocks_max) : OWN_MEMORY;
  const free: Block[] = [];
  const waiting: ((block: Block) => void)[] = [];
  const offers = new Set<() => void>();
  let size = 0;
  let nextIndex = 0;

  function allocate(): Block | undefined {
    if (size >= options.blocks_max) return undefined;
    const bytes = memory.allocate();
    size += 1;
    nextIndex += 1;
    return { index: nextIndex, bytes };
  }

  function hurryOne(): void {
    for (const hurry of offers) {
      offers.delete(hurry);
      hurry();
      return;
    }
  }

  return {
    async take() {
      const block = waiting.length === 0 ? (free.pop() ?? allocate()) : undefined;
      if (block !== undefined) return block;
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
      const released = memory.release(free.length, size);
      size -= released;
      free.length -= released;
    },
    get size() {
      return size;
    },
  };
}
