import { close, closeSync, fdatasync, fsync, open, openSync, read, rename, unlink, write } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import { StoreError } from '../../contract/index.js';

// Bare descriptors: a FileHandle costs an object with a finaliser for each file, and these paths are hot.
export const openFile = promisify(open);
export const closeFile = promisify(close);
export const syncFile = promisify(fsync);
export const syncData = promisify(fdatasync);
export const renameFile = promisify(rename);
export const unlinkFile = promisify(unlink);

const readSome = promisify(read);
const writeSome = promisify(write);

/** Fills `bytes` from `position`; fewer bytes than asked for mean the end of the file. */
export async function readFully(fd: number, bytes: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesRead } = await readSome(fd, bytes, done, bytes.length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

export async function writeFully(fd: number, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await writeSome(fd, bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** What the file system says while something is written. EIO stays `unexpected`: the caller decides how bad it is. */
export function writeError(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const code = errorCode(error);
  const options = { subject: 'adapter', detail: { code }, cause: error } as const;
  if (code === 'ENOSPC' || code === 'EDQUOT') return new StoreError('no_space', 'the disk is full', options);
  if (code === 'EMFILE' || code === 'ENFILE') {
    return new StoreError('unavailable', 'too many open files', options);
  }
  return new StoreError('unexpected', `blob storage failed${code && `: ${code}`}`, options);
}

/** What it says while a blob is read. A disk that cannot answer (EIO) is not yet proof that the bytes are lost. */
export function readError(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const code = errorCode(error);
  const options = { detail: { code }, cause: error } as const;
  if (code === 'ENOENT') return new StoreError('corrupt', 'a stored blob is missing', options);
  return new StoreError('unavailable', `a stored blob cannot be read${code && `: ${code}`}`, options);
}

export async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
}

/** Makes what was created, renamed or removed in a folder durable. */
export type FolderSync = (folder: string) => Promise<void>;

interface Syncing {
  readonly running: Promise<void>;
  next: Promise<void> | null;
}

/** Callers that come while a sync of the same folder runs share the one after it. */
export function createFolderSync(): FolderSync {
  const folders = new Map<string, Syncing>();

  function start(folder: string): Promise<void> {
    const running = syncFolder(folder);
    const syncing: Syncing = { running, next: null };
    folders.set(folder, syncing);
    const ended = () => {
      if (syncing.next === null) folders.delete(folder);
    };
    running.then(ended, ended);
    return running;
  }

  return (folder) => {
    const syncing = folders.get(folder);
    if (syncing === undefined) return start(folder);
    syncing.next ??= syncing.running.then(
      () => start(folder),
      () => start(folder),
    );
    return syncing.next;
  };
}

async function syncFolder(folder: string): Promise<void> {
  // Something in the folder has just been changed, so opening it needs no disk: it costs less than a trip to another
  // thread, as does closing it.
  const fd = openSync(folder, 'r');
  try {
    await syncFile(fd);
  } finally {
    closeSync(fd);
  }
}
