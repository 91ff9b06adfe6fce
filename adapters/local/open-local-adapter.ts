import { mkdir } from 'node:fs/promises';
import type { Adapter } from '../contract/index.js';
import { asStoreError } from '../gate.js';
import type { LocalContext } from './context.js';
import { createLocalAdapter } from './local-adapter.js';
import { type FolderLock, lockFolder } from './lock-file.js';
import { type OpenLocalOptions, openContext } from './open-context.js';

export type OpenLocalAdapterOptions = OpenLocalOptions;

/** Fails with `unavailable` (detail.pid) when another process has the folder open. */
export async function openLocalAdapter(options: OpenLocalAdapterOptions): Promise<Adapter> {
  try {
    await mkdir(options.path, { recursive: true, mode: 0o700 });
    const lock = options.lock === undefined ? await lockFolder(options.path) : NOT_OURS;
    return await openLocked(options, lock);
  } catch (error) {
    throw asStoreError(error, undefined);
  }
}

const NOT_OURS: FolderLock = { release: async () => undefined };

async function openLocked(options: OpenLocalAdapterOptions, lock: FolderLock): Promise<Adapter> {
  let context: LocalContext;
  try {
    context = await openContext(options);
  } catch (error) {
    await lock.release();
    throw error;
  }
  return createLocalAdapter(context, async () => {
    await context.writer.close();
    await context.blobs.close();
    await context.tables.env.close();
    await lock.release();
  });
}
