import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LIMITS } from '../../../config/limits.js';
import { type Body, StoreError } from '../../contract/index.js';
import { createBudget } from './budget.js';

export interface SpoolOptions {
  /** Of its own: what lies in it is removed at start. */
  readonly folder: string;
  /** Of the plaintexts that are on their way, all together. */
  readonly bytes_max: number;
}

/** Where compressed contents wait until all of them is known: in memory while they are small, then in a file without a name. */
export interface Spool {
  readonly bytes_max: number;
  /** Room for so many bytes; undefined where there is none for too long. */
  reserve(bytes: number, signal?: AbortSignal): Promise<(() => void) | undefined>;
  begin(): SpoolFile;
  close(): Promise<void>;
}

export interface SpoolFile {
  readonly length: number;
  write(bytes: Uint8Array): Promise<void>;
  /** All that was written; a stream may be read several times, one after the other. */
  read(): Body;
  /** What it held is gone. */
  close(): Promise<void>;
}

const OWNER_ONLY = { folder: 0o700, file: 0o600 };
const READ_BYTES = 256 * 1024;

export async function openSpool({ folder, bytes_max }: SpoolOptions): Promise<Spool> {
  const budget = createBudget(bytes_max, LIMITS.spool_wait_ms_max);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: OWNER_ONLY.folder });
  let files = 0;

  /** The folder looks empty, so what cleans up temporary folders may take it away. */
  const create = async (path: string): Promise<FileHandle> => {
    try {
      return await open(path, 'wx+', OWNER_ONLY.file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      await mkdir(folder, { recursive: true, mode: OWNER_ONLY.folder });
      return open(path, 'wx+', OWNER_ONLY.file);
    }
  };

  /** Its name is gone at once, so that nothing is left behind, whatever happens. */
  const openFile = async (): Promise<FileHandle> => {
    files += 1;
    const path = join(folder, `${process.pid}-${files}`);
    const file = await create(path);
    try {
      await rm(path);
    } catch (error) {
      await file.close();
      throw error;
    }
    return file;
  };

  return {
    bytes_max: budget.bytes_max,
    reserve: budget.take,
    begin: () => createSpoolFile(openFile),
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

function createSpoolFile(openFile: () => Promise<FileHandle>): SpoolFile {
  let pieces: Uint8Array[] = [];
  let file: FileHandle | undefined;
  let length = 0;

  const append = async (bytes: Uint8Array, position: number): Promise<void> => {
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten = 0 } = (await file?.write(bytes, at, bytes.length - at, position + at)) ?? {};
      at += bytesWritten;
    }
  };
  const moveToFile = async (): Promise<void> => {
    file = await openFile();
    await append(Buffer.concat(pieces), 0);
    pieces = [];
  };

  return {
    get length() {
      return length;
    },
    async write(bytes) {
      try {
        if (file === undefined && length + bytes.length > LIMITS.spool_memory_bytes_max) await moveToFile();
        if (file === undefined) pieces.push(bytes);
        else await append(bytes, length);
        length += bytes.length;
      } catch (cause) {
        throw spoolError(cause);
      }
    },
    read: () => (file === undefined ? Buffer.concat(pieces) : readFile(file, length)),
    async close() {
      pieces = [];
      const open_file = file;
      file = undefined;
      await open_file?.close();
    },
  };
}

async function* readFile(file: FileHandle, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < length; ) {
    const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, length - at));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at).catch((cause: unknown) => {
      throw spoolError(cause);
    });
    if (bytesRead === 0)
      throw new StoreError('unexpected', 'the spool ended too early', { subject: 'adapter' });
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

function spoolError(cause: unknown): StoreError {
  const { code } = cause as NodeJS.ErrnoException;
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return new StoreError(full ? 'no_space' : 'unexpected', `the spool fails: ${code}`, {
    subject: 'adapter',
    cause,
  });
}
