import { readdir } from 'node:fs/promises';
import { errorCode, readError } from './durable-fs.js';
import { type BlobPaths, ID_BYTES } from './paths.js';

/** Folders looked into for one slice: with few files in many folders, a slice ends here before it has `limit` ids. */
const FOLDERS_PER_SLICE = 256;

/** See BlobStore.listFiles. Files that are not named like a blob are passed over. */
export async function listBlobFiles(
  paths: BlobPaths,
  after: Buffer | null,
  limit: number,
): Promise<{ ids: Buffer[]; next: Buffer | null }> {
  const from = after?.toString('hex') ?? '';
  const ids: Buffer[] = [];
  let folders = 0;
  for (const branch of await names(paths.blobs, /^[0-9a-f]{2}$/, from.slice(0, 2))) {
    for (const leaf of await names(paths.branch(branch), /^[0-9a-f]{2}$/, afterWithin(from, branch, 2))) {
      const prefix = branch + leaf;
      folders += 1;
      for (const hex of await names(paths.leaf(prefix), /^[0-9a-f]{64}$/, from)) {
        if (hex === from || !hex.startsWith(prefix)) continue;
        const id = Buffer.from(hex, 'hex');
        ids.push(id);
        if (ids.length >= limit) return { ids, next: id };
      }
      if (folders >= FOLDERS_PER_SLICE) return { ids, next: endOf(prefix) };
    }
  }
  return { ids, next: null };
}

/** Names in a folder that match, ascending, from `from` (inclusive). */
async function names(folder: string, pattern: RegExp, from: string): Promise<string[]> {
  try {
    const found = await readdir(folder);
    return found.filter((name) => pattern.test(name) && name >= from).sort();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw readError(error);
  }
}

/** Where to begin inside `branch`: at the cursor's own second byte in its branch, at the start in those behind it. */
function afterWithin(from: string, branch: string, bytes: number): string {
  return from.startsWith(branch) ? from.slice(bytes, bytes + 2) : '';
}

/** The cursor behind everything in a leaf folder. */
function endOf(prefix: string): Buffer {
  return Buffer.alloc(ID_BYTES, 0xff).fill(Buffer.from(prefix, 'hex'), 0, prefix.length / 2);
}
