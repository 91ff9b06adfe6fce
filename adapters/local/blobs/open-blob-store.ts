import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { LIMITS } from '../../../config/limits.js';
import { StoreError } from '../../contract/index.js';
import { createLimiter } from '../../limiter.js';
import { type BlobFolders, createBlobFolders } from './blob-folders.js';
import { type BlobLocks, createBlobLocks } from './blob-locks.js';
import type { BlobRecord, BlobStore } from './blob-store.js';
import { createBlockPool } from './block-pool.js';
import type { DataKeys } from './data-keys.js';
import {
  createFolderSync,
  errorCode,
  type FolderSync,
  makeFolder,
  unlinkFile,
  writeError,
} from './durable-fs.js';
import { createHashLanes } from './hash-lanes.js';
import { listBlobFiles } from './list-files.js';
import { createPacker } from './packing.js';
import { type BlobPaths, createBlobPaths } from './paths.js';
import { quarantineBlob } from './quarantine-blob.js';
import { readBlob } from './read-blob.js';
import { verifyBlob } from './verify-blob.js';
import { writeBlob } from './write-blob.js';

export interface BlobStoreOptions {
  /** Folder that belongs to one process; `blobs/`, `tmp/` and `quarantine/` are made in it. */
  readonly root: string;
  /** Bodies up to this size are handed back to live in the index. At most BLOCK_BYTES. */
  readonly inline_bytes_max?: number;
  /** Bodies up to this size are hashed on the main thread. */
  readonly hash_in_place_bytes_max?: number;
  /** The same while the workers of an idle store start. */
  readonly hash_meanwhile_bytes_max?: number;
  /** Needed to write and read what is encrypted. */
  readonly keys?: DataKeys;
}

/** Empties tmp/; never looks at what is stored. */
export async function openBlobStore(options: BlobStoreOptions): Promise<BlobStore> {
  const paths = createBlobPaths(options.root);
  const sync = createFolderSync();
  await prepareFolders(paths, sync);
  const locks = createBlobLocks();
  const folders = createBlobFolders(paths, sync);
  return createBlobStore(options, { paths, sync, locks, folders });
}

async function prepareFolders(paths: BlobPaths, sync: FolderSync): Promise<void> {
  try {
    await rm(paths.tmp, { recursive: true, force: true });
    for (const folder of [paths.blobs, paths.tmp, paths.quarantine]) await makeFolder(folder);
    await sync(paths.root);
  } catch (error) {
    throw writeError(error);
  }
}

interface Parts {
  readonly paths: BlobPaths;
  readonly sync: FolderSync;
  readonly locks: BlobLocks;
  readonly folders: BlobFolders;
}

function createBlobStore(options: BlobStoreOptions, { paths, sync, locks, folders }: Parts): BlobStore {
  const lanes = createHashLanes(Math.max(2, Math.min(availableParallelism(), LIMITS.blob_hash_workers_max)));
  const writePool = createBlockPool({ blocks_max: LIMITS.blob_write_blocks_max, shared: true });
  const readPool = createBlockPool({ blocks_max: LIMITS.blob_read_blocks_max, shared: false });
  const idle = createIdleTimer(LIMITS.blob_idle_ms, async () => {
    readPool.trim();
    // The workers know the blocks that they have worked on, so both go together.
    if (lanes.streams === 0) {
      writePool.trim();
      await lanes.stop();
    }
    return readPool.size + writePool.size === 0;
  });
  const running = new Set<Promise<unknown>>();
  let closed = false;

  const framing = {
    packer: createPacker(createLimiter(LIMITS.blob_compressions_max)),
    keys: options.keys,
  };
  const temporaryPrefix = randomBytes(6).toString('hex');
  let temporaryCount = 0;
  const writing = {
    ...framing,
    inline_bytes_max: options.inline_bytes_max ?? LIMITS.blob_inline_bytes_max,
    hash_in_place_bytes_max: options.hash_in_place_bytes_max ?? LIMITS.blob_hash_in_place_bytes_max,
    hash_meanwhile_bytes_max: options.hash_meanwhile_bytes_max ?? LIMITS.blob_hash_meanwhile_bytes_max,
    blocks_in_flight_max: LIMITS.blob_upload_blocks_max - 1,
    direct_bytes_min: LIMITS.blob_direct_bytes_min,
    direct_writes: createLimiter(LIMITS.blob_direct_writes_max),
    writeback_bytes: LIMITS.blob_writeback_bytes,
    pool: writePool,
    lanes,
    locks,
    folders,
    long_syncs: createLimiter(LIMITS.blob_long_syncs_max),
    temporaryPath() {
      temporaryCount += 1;
      return join(paths.tmp, `${temporaryPrefix}-${temporaryCount}`);
    },
  };
  const reading = {
    ...framing,
    paths,
    pool: readPool,
    read_ahead_blocks: LIMITS.blob_read_ahead_blocks,
    reserve_blocks: LIMITS.blob_read_reserve_blocks,
    lean_chunk_bytes: LIMITS.blob_lean_chunk_bytes,
  };
  const verifying = { ...framing, paths, pool: writePool, lanes };

  /** Keeps count of work that close() has to wait for. */
  function track<T>(start: () => Promise<T>): Promise<T> {
    if (closed) {
      return Promise.reject(
        new StoreError('unavailable', 'the blob store is closed', { subject: 'adapter' }),
      );
    }
    idle.touch();
    const work = start().finally(() => running.delete(work));
    running.add(work);
    return work;
  }

  async function remove(id: Buffer, still_unreferenced: () => Promise<boolean>): Promise<boolean> {
    const hex = id.toString('hex');
    const unlock = await locks.exclude(hex);
    try {
      if (!(await still_unreferenced())) return false;
      await unlinkFile(paths.file(hex));
      return true;
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return true;
      throw writeError(error);
    } finally {
      unlock();
    }
  }

  const verify = (record: BlobRecord, signal?: AbortSignal) => verifyBlob(verifying, record, signal);

  return {
    write: (input) => track(() => writeBlob(writing, input)),
    read(record, start, end) {
      idle.touch();
      return readBlob(reading, record, start, end);
    },
    verify: (record, signal) => track(() => verify(record, signal)),
    quarantine: (record) => track(() => quarantineBlob({ paths, sync, locks, verify }, record)),
    remove: (id, still_unreferenced) => track(() => remove(id, still_unreferenced)),
    listFiles: (after, limit) => track(() => listBlobFiles(paths, after, limit)),
    async close() {
      closed = true;
      idle.stop();
      await Promise.allSettled(running);
      await lanes.stop();
    },
  };
}

interface IdleTimer {
  /** Puts off the rest. Cheap. */
  touch(): void;
  stop(): void;
}

/** Calls `rest` when nothing was touched for a while, and again as long as it answers that not all is at rest. */
function createIdleTimer(idle_ms: number, rest: () => Promise<boolean>): IdleTimer {
  let timer: NodeJS.Timeout | undefined;
  const arm = () => {
    timer = setTimeout(expire, idle_ms).unref();
  };
  const expire = async () => {
    timer = undefined;
    if (!(await rest()) && timer === undefined) arm();
  };
  return {
    touch() {
      if (timer === undefined) arm();
      else timer.refresh();
    },
    stop() {
      clearTimeout(timer);
    },
  };
}
