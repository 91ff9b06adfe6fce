import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import { LIMITS } from '../../../config/limits.js';
import type { ObjectInfo } from '../../contract/index.js';
import { type CachedObject, entryBytes, isSameWrite } from './cached-object.js';

export interface DiskTierOptions {
  /** A folder of its own is made in it, emptied at start and removed at close. */
  readonly folder: string;
  readonly bytes_max: number;
  /** A file could not be written or read, or was not what had been written; the cache goes on without it. */
  readonly onProblem?: (problem: unknown) => void;
}

export interface DiskTier {
  get(key: string): Promise<CachedObject | undefined>;
  /** Written behind the caller's back; left out while too many others are being written. */
  put(key: string, object: CachedObject): void;
  delete(key: string): void;
  deleteAll(prefix: string): void;
  close(): Promise<void>;
}

interface Row {
  readonly file: string;
  readonly sha256: string;
  info: ObjectInfo;
  checked_at_ms: number;
}

const OWN_FOLDER = 'backup-node-read-cache';
const OWNER_ONLY = { folder: 0o700, file: 0o600 };

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('base64');

/** Contents that memory had no room for. The index lives in memory: after a restart nothing in the folder is known. */
export async function openDiskTier(name: string, options: DiskTierOptions): Promise<DiskTier> {
  const { onProblem = () => undefined } = options;
  const folder = join(options.folder, OWN_FOLDER, name);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: OWNER_ONLY.folder });
  let files = 0;
  const writing = new Map<string, { done: Promise<void> }>();
  const remove = (file: string): void => void rm(file, { force: true }).catch(onProblem);
  const rows = new LRUCache<string, Row>({
    maxSize: options.bytes_max,
    sizeCalculation: (row, key) => entryBytes(key, row.info.size_bytes),
    dispose: (row) => remove(row.file),
  });

  const write = async (key: string, object: CachedObject, isWanted: () => boolean): Promise<void> => {
    files += 1;
    const file = join(folder, String(files));
    const { info, checked_at_ms } = object;
    const row: Row = { file, sha256: digestOf(object.content), info, checked_at_ms };
    try {
      await writeFile(file, object.content, { mode: OWNER_ONLY.file });
      if (isWanted()) rows.set(key, row);
      else remove(file);
    } catch (error) {
      onProblem(error);
      remove(file);
    }
  };

  return {
    async get(key) {
      const row = rows.get(key);
      if (row === undefined) return undefined;
      try {
        const content = await readFile(row.file);
        if (digestOf(content) !== row.sha256) throw new Error(`${row.file} is not what was written`);
        // Forgotten while it was being read.
        if (rows.peek(key) !== row) return undefined;
        return { info: row.info, content, checked_at_ms: row.checked_at_ms };
      } catch (error) {
        if (rows.peek(key) !== row) return undefined;
        rows.delete(key);
        onProblem(error);
        return undefined;
      }
    },
    put(key, object) {
      const row = rows.peek(key);
      if (row !== undefined && isSameWrite(row.info, object.info)) {
        row.info = object.info;
        row.checked_at_ms = object.checked_at_ms;
        return;
      }
      if (entryBytes(key, object.content.length) > options.bytes_max) return;
      if (writing.has(key) || writing.size >= LIMITS.cache_disk_writes_max) return;
      const work = { done: Promise.resolve() };
      writing.set(key, work);
      // Not wanted any more where it was forgotten meanwhile.
      const isWanted = (): boolean => writing.get(key) === work;
      work.done = write(key, object, isWanted).then(() => {
        if (isWanted()) writing.delete(key);
      });
    },
    delete(key) {
      writing.delete(key);
      rows.delete(key);
    },
    deleteAll(prefix) {
      for (const keys of [writing, rows]) {
        for (const key of [...keys.keys()]) if (key.startsWith(prefix)) keys.delete(key);
      }
    },
    async close() {
      await Promise.all([...writing.values()].map(({ done }) => done));
      rows.clear();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
