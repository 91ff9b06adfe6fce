import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Body } from '../../../contract/index.js';
import type { BlobStore, WriteBlobInput, WrittenBlob } from '../blob-store.js';
import { type BlobStoreOptions, openBlobStore } from '../open-blob-store.js';
import { BLOCK_BYTES } from '../paths.js';

export interface OpenedStore {
  readonly root: string;
  readonly store: BlobStore;
}

/** A store in a temporary folder that hashes large bodies on workers from the first; both go when the test has ended. */
export async function openTemporaryStore(options: Omit<BlobStoreOptions, 'root'> = {}): Promise<OpenedStore> {
  const root = temporaryFolder();
  const store = await openBlobStore({ root, hash_meanwhile_bytes_max: 0, ...options });
  onTestFinished(() => store.close());
  return { root, store };
}

export function temporaryFolder(): string {
  const root = mkdtempSync(join(tmpdir(), 'blobs-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  return root;
}

/** Bytes that differ from block to block and from seed to seed, and are the same in each run. */
export function content(size_bytes: number, seed = 1): Buffer {
  const bytes = Buffer.allocUnsafe(size_bytes);
  let state = seed * 2_654_435_761 + 1;
  for (let index = 0; index < size_bytes; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}

/** Writes and lets go of the blob's lock. */
export async function put(
  store: BlobStore,
  body: Body,
  size_bytes: number,
  more: Partial<WriteBlobInput> = {},
): Promise<WrittenBlob> {
  const written = await store.write({ body, size_bytes, algorithm: 'CRC64NVME', ...more });
  written.release();
  return written;
}

export function digestOf(algorithm: string, bytes: Uint8Array): Buffer {
  return createHash(algorithm).update(bytes).digest();
}

/** All files below a folder. */
export function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

export { BLOCK_BYTES };
