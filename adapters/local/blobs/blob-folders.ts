import { errorCode, type FolderSync, makeFolder, renameFile } from './durable-fs.js';
import type { BlobPaths } from './paths.js';

/** Puts finished files into their folders, durably, and makes the folders as they are needed. */
export interface BlobFolders {
  /** Renames a synced temporary file to the blob's name; durable when it resolves. */
  publish(temporary: string, hex: string): Promise<void>;
}

export function createBlobFolders(paths: BlobPaths, sync: FolderSync): BlobFolders {
  // A folder that is there may have been made just before a crash and never synced, so what lies in a branch is made
  // durable once in the life of the process; from then on only folders that this process makes need it.
  const settled = new Map<string, Promise<void>>();
  const making = new Map<string, { readonly made: Promise<void>; readonly durable: Promise<void> }>();

  async function settle(branch: string): Promise<void> {
    await sync(branch);
    await sync(paths.blobs);
  }

  function settleOnce(branch: string): Promise<void> {
    const known = settled.get(branch);
    if (known !== undefined) return known;
    const settling = settle(branch);
    settled.set(branch, settling);
    settling.catch(() => settled.delete(branch));
    return settling;
  }

  function makeLeaf(hex: string): Promise<void> {
    const leaf = paths.leaf(hex);
    const known = making.get(leaf);
    if (known !== undefined) return known.made;
    const made = makeFolder(leaf);
    const durable = made.then(() => sync(paths.branch(hex)));
    making.set(leaf, { made, durable });
    const forget = () => making.delete(leaf);
    durable.then(forget, () => {
      forget();
      settled.delete(paths.branch(hex));
    });
    return made;
  }

  async function rename(temporary: string, hex: string): Promise<void> {
    try {
      await renameFile(temporary, paths.file(hex));
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
      await makeLeaf(hex);
      await renameFile(temporary, paths.file(hex));
    }
  }

  return {
    async publish(temporary, hex) {
      await rename(temporary, hex);
      const leaf = paths.leaf(hex);
      await Promise.all([sync(leaf), making.get(leaf)?.durable, settleOnce(paths.branch(hex))]);
    },
  };
}
