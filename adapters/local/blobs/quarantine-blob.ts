import { join } from 'node:path';
import type { BlobLocks } from './blob-locks.js';
import type { BlobRecord } from './blob-store.js';
import { errorCode, type FolderSync, renameFile, writeError } from './durable-fs.js';
import type { BlobPaths } from './paths.js';

export interface QuarantineContext {
  readonly paths: BlobPaths;
  readonly sync: FolderSync;
  readonly locks: BlobLocks;
  verify(record: BlobRecord): Promise<boolean>;
}

/** See BlobStore.quarantine. The file keeps its name, with the time behind it. */
export async function quarantineBlob(context: QuarantineContext, record: BlobRecord): Promise<boolean> {
  if (record.inline !== undefined) return false;
  const { paths, sync } = context;
  const hex = record.id.toString('hex');
  const unlock = await context.locks.exclude(hex);
  try {
    if (await context.verify(record)) return false;
    await renameFile(paths.file(hex), join(paths.quarantine, `${hex}.${Date.now()}`));
    await Promise.all([sync(paths.quarantine), sync(paths.leaf(hex))]);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw writeError(error);
  } finally {
    unlock();
  }
}
