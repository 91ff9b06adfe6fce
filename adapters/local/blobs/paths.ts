import { join } from 'node:path';
import type { BlobRecord } from './blob-store.js';

/** Checksums are kept, and bytes are read and written, in pieces of this size. Part of the format on disk. */
export const BLOCK_BYTES = 512 * 1024;

export const ID_BYTES = 32;

/** `blobs/ab/cd/<hex id>`: at most 65,536 leaf folders, so that none grows large. */
export interface BlobPaths {
  readonly root: string;
  readonly blobs: string;
  readonly tmp: string;
  readonly quarantine: string;
  file(hex: string): string;
  leaf(hex: string): string;
  branch(hex: string): string;
}

export function createBlobPaths(root: string): BlobPaths {
  const blobs = join(root, 'blobs');
  const branch = (hex: string) => join(blobs, hex.slice(0, 2));
  const leaf = (hex: string) => join(branch(hex), hex.slice(2, 4));
  return {
    root,
    blobs,
    tmp: join(root, 'tmp'),
    quarantine: join(root, 'quarantine'),
    file: (hex) => join(leaf(hex), hex),
    leaf,
    branch,
  };
}

/** The bytes of block `index`; only the last block is shorter than BLOCK_BYTES. */
export function blockLength(record: BlobRecord, index: number): number {
  return Math.min(BLOCK_BYTES, record.size_bytes - index * BLOCK_BYTES);
}
