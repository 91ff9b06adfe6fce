import { closeSync } from 'node:fs';
import type { Limiter } from '../../limiter.js';
import { createDirectWriter, NO_DIRECT_WRITER } from './direct-writer.js';
import { closeFile, openFile, syncData, syncFile, unlinkFile, writeError, writeFully } from './durable-fs.js';

/** A file under tmp/ that becomes a blob, or nothing. It is made at the first write. */
export interface TemporaryFile {
  readonly path: string;
  write(bytes: Uint8Array, position: number): Promise<void>;
  /** Durable and closed when it resolves. */
  finish(): Promise<void>;
  /** Closes and removes it. To be called when no write is under way. */
  discard(): Promise<void>;
}

export interface TemporaryFileOptions {
  readonly path: string;
  /** For a large file: its whole blocks pass by the page cache. See direct-writer.ts. */
  readonly direct_writes: Limiter | undefined;
  /** Unsynced bytes after which the disk is told to begin, so that not everything is left to the end. */
  readonly writeback_bytes: number;
  /** Shared by all files: a long sync holds one of the few threads that all file and index work runs on. */
  readonly long_syncs: Limiter;
}

export function createTemporaryFile(options: TemporaryFileOptions): TemporaryFile {
  const { path, direct_writes, writeback_bytes, long_syncs } = options;
  const direct = direct_writes === undefined ? NO_DIRECT_WRITER : createDirectWriter({ path, direct_writes });
  let opening: Promise<number> | undefined;
  let closed = false;
  let unsynced_bytes = 0;
  let writeback: Promise<void> | undefined;
  let writebackError: unknown;

  function open(): Promise<number> {
    // Never follows or reuses what lies there: the name is new.
    opening ??= openFile(path, 'wx', 0o600);
    return opening;
  }

  function beginWriteback(fd: number): void {
    unsynced_bytes = 0;
    // A failed sync is reported by the kernel once, so it is kept for whoever comes next.
    writeback = long_syncs(() => syncData(fd))
      .catch((error) => {
        writebackError ??= error;
      })
      .finally(() => {
        writeback = undefined;
      });
  }

  return {
    path,
    async write(bytes, position) {
      try {
        const fd = await open();
        if (await direct.write(bytes, position)) return;
        await writeFully(fd, bytes, position);
        unsynced_bytes += bytes.length;
        if (unsynced_bytes < writeback_bytes) return;
        // Two steps ahead of the disk is enough: what is dirty stays bounded.
        if (writeback !== undefined) await writeback;
        if (writebackError !== undefined) throw writebackError;
        if (unsynced_bytes >= writeback_bytes) beginWriteback(fd);
      } catch (error) {
        throw writeError(error);
      }
    },
    async finish() {
      try {
        const fd = await open();
        if (writeback !== undefined) await writeback;
        if (writebackError !== undefined) throw writebackError;
        await (unsynced_bytes >= writeback_bytes / 8 ? long_syncs(() => syncFile(fd)) : syncFile(fd));
        await direct.close();
        // Nothing is left to be written or freed: that takes less time than a trip to another thread.
        closed = true;
        closeSync(fd);
      } catch (error) {
        throw writeError(error);
      }
    },
    async discard() {
      if (opening === undefined) return;
      await writeback;
      await direct.close().catch(() => undefined);
      // What cannot be removed now is swept at the next start; the error that led here is the one to report.
      if (!closed) await opening.then(closeFile).catch(() => undefined);
      await unlinkFile(path).catch(() => undefined);
    },
  };
}
