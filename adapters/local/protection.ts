import { isCompressed } from '../compressed-types.js';
import { type ContentHeaders, StoreError } from '../contract/index.js';
import type { BlobCodec, BlobProtection } from './blobs/blob-store.js';
import type { DataKeys } from './blobs/data-keys.js';
import type { LocalContext } from './context.js';
import type { Tables } from './index/tables.js';

/** How the contents of a bucket are to be stored from now on. */
export type Protect = (bucket: string) => BlobProtection;

/** What the blob store is told of a new content; undefined: it is stored as it is. */
export function protectionFor(
  { protect }: LocalContext,
  bucket: string,
  headers: ContentHeaders | undefined,
): BlobProtection | undefined {
  if (protect === undefined) return undefined;
  const { encrypt, compress } = protect(bucket);
  const shrinks = compress && !isCompressed(headers);
  return encrypt || shrinks ? { encrypt, compress: shrinks } : undefined;
}

/** Whether a bucket may share content that another one wrote: what is to be encrypted must be, and nothing else is. */
export function mayShareIn({ protect }: LocalContext, bucket: string, codec: BlobCodec): boolean {
  return (codec === 'sealed') === (protect?.(bucket).encrypt ?? false);
}

/** Remembers with which keys the folder's content was encrypted. */
export interface KeyUse {
  /** Inside a transaction that refers to content encrypted with the current key. */
  note(): void;
}

/** Fails with invalid when content is there whose key is not. */
export function openKeyUse(tables: Tables, keys: DataKeys | undefined): KeyUse {
  for (const id of tables.data_keys.getKeys()) {
    if (keys?.find(id) !== undefined) continue;
    const key_id = id.toString('hex');
    throw new StoreError(
      'invalid',
      `the folder holds content encrypted with the key ${key_id}, and ${keys ? 'another key' : 'no key'} was given`,
      { subject: 'adapter', detail: { key_id } },
    );
  }
  let noted = keys !== undefined && tables.data_keys.doesExist(keys.current.id);
  return {
    note() {
      if (noted || keys === undefined) return;
      noted = true;
      void tables.data_keys.put(keys.current.id, NOTHING);
    },
  };
}

const NOTHING = Buffer.from([0]);
