import { createHmac } from 'node:crypto';

/** A key that contents are encrypted with, and what is derived from it. The key itself never touches content. */
export interface DataKey {
  /** Names the key, and gives nothing of it away: 8 bytes. */
  readonly id: Buffer;
  /** Encrypts the frames of one blob: 32 bytes. */
  blobKey(salt: Uint8Array): Buffer;
  /** Names a blob without telling the SHA-256 of its content: who has the content cannot find out that it is here. */
  blobName(sha256: Uint8Array): Buffer;
}

export interface DataKeys {
  /** What is written from now on is encrypted with it. */
  readonly current: DataKey;
  /** That key or an earlier one. */
  find(id: Uint8Array): DataKey | undefined;
}

export interface DataKeysOptions {
  /** 32 random bytes. */
  readonly key: Buffer;
  /** What was written with them before can still be read. */
  readonly old_keys?: readonly Buffer[];
}

export const KEY_ID_BYTES = 8;
const KEY_BYTES = 32;

export function createDataKeys(options: DataKeysOptions): DataKeys {
  const current = createDataKey(options.key);
  const all = [current, ...(options.old_keys ?? []).map(createDataKey)];
  return { current, find: (id) => all.find((key) => key.id.equals(id)) };
}

function createDataKey(key: Buffer): DataKey {
  if (key.length !== KEY_BYTES) throw new RangeError(`a data key has ${KEY_BYTES} bytes`);
  // HKDF-Expand of one block (RFC 5869, section 2.3). Section 3.3: a key that is uniformly random needs no extraction.
  const expand = (label: string, info: Uint8Array) =>
    createHmac('sha256', key).update(label).update(info).update('\x01').digest();
  return {
    id: expand('key id', NOTHING).subarray(0, KEY_ID_BYTES),
    blobKey: (salt) => expand('blob key', salt),
    blobName: (sha256) => expand('blob name', sha256),
  };
}

const NOTHING = new Uint8Array(0);
