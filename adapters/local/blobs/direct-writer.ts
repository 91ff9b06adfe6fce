import { constants } from 'node:fs';
import type { Limiter } from '../../limiter.js';
import { closeFile, errorCode, openFile, writeFully } from './durable-fs.js';
import { BLOCK_BYTES } from './paths.js';

/**
 * Writes whole blocks of a large file from our memory to the disk, past the page cache (O_DIRECT, open(2)). That saves
 * a copy of every byte, and keeps in memory what is read often instead of what was only just written.
 */
export interface DirectWriter {
  /** Whether it was written; if not, it has to go the usual way. A sync of the file is still needed. */
  write(bytes: Uint8Array, position: number): Promise<boolean>;
  /** To be called when no write is under way; again it does nothing. */
  close(): Promise<void>;
}

export const NO_DIRECT_WRITER: DirectWriter = { write: async () => false, close: async () => {} };

export interface DirectWriterOptions {
  /** Shared by all files: these writes wait for the disk, each on one of the few threads for file and index work. */
  readonly direct_writes: Limiter;
  /** Of a file that is there already. */
  readonly path: string;
}

/** How file systems refuse such writes; any other error is one of the disk. */
const NOT_DIRECTLY: ReadonlySet<string> = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP']);

export function createDirectWriter({ path, direct_writes }: DirectWriterOptions): DirectWriter {
  // Only Linux has it, and there not every file system.
  let supported = constants.O_DIRECT !== undefined;
  let opening: Promise<number> | undefined;
  const giveUp = (): boolean => {
    supported = false;
    return false;
  };

  return {
    async write(bytes, position) {
      // A part of a block could share a page with one that is written the usual way.
      if (!supported || bytes.length !== BLOCK_BYTES || position % BLOCK_BYTES !== 0) return false;
      opening ??= openFile(path, constants.O_WRONLY | constants.O_DIRECT);
      const fd = await opening.catch(() => undefined);
      // Whatever is in the way of it, the file is open the usual way too.
      if (fd === undefined) return giveUp();
      try {
        await direct_writes(() => writeFully(fd, bytes, position));
        return true;
      } catch (error) {
        if (NOT_DIRECTLY.has(errorCode(error))) return giveUp();
        throw error;
      }
    },
    async close() {
      const fd = await opening?.catch(() => undefined);
      // Even a close that fails gives the descriptor back: another one would close a file of someone else.
      opening = undefined;
      if (fd !== undefined) await closeFile(fd);
    },
  };
}
