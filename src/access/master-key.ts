/** The key that secrets at rest are sealed with, and the sealing (AES-256-GCM, NIST SP 800-38D). */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { readTextFile, writePrivateFile } from './private-file.js';

export interface MasterKey {
  /** `context` must be given again to open it: a sealed secret cannot be moved to another record. */
  seal(secret: string, context: string): string;
  /** Throws when the key, the context or the text is not the one it was sealed with. */
  unseal(sealed: string, context: string): string;
  /** A key of its own for another purpose: 32 bytes (HKDF, RFC 5869). */
  derive(purpose: string): Buffer;
}

const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const FORMAT = 'v1.';

function parseKey(text: string, where: string): Buffer {
  const trimmed = text.trim();
  const key = /^[0-9a-fA-F]{64}$/.test(trimmed)
    ? Buffer.from(trimmed, 'hex')
    : Buffer.from(trimmed, 'base64');
  if (key.length !== KEY_BYTES) throw new Error(`${where}: expected 32 bytes as 64 hex digits or as base64`);
  return key;
}

export interface OpenMasterKeyInput {
  readonly storage_path: string;
  /** The value of BACKUP_NODE_MASTER_KEY, which takes the place of the file. */
  readonly from_env: string | undefined;
  /** Secrets or contents were encrypted earlier: a missing key is then an error and no reason to make a new one. */
  readonly needed: boolean;
}

export function openMasterKey({ storage_path, from_env, needed }: OpenMasterKeyInput): MasterKey {
  if (from_env) return makeMasterKey(parseKey(from_env, 'BACKUP_NODE_MASTER_KEY'));
  const file = join(storage_path, 'master.key');
  const text = readTextFile(file);
  if (text !== undefined) return makeMasterKey(parseKey(text, file));
  if (needed) {
    throw new Error(
      `${file} is missing, but access keys or contents are encrypted with it: put it back, or give it as BACKUP_NODE_MASTER_KEY`,
    );
  }
  const key = randomBytes(KEY_BYTES);
  writePrivateFile(file, `${key.toString('hex')}\n`);
  return makeMasterKey(key);
}

function makeMasterKey(key: Buffer): MasterKey {
  return {
    derive: (purpose) => Buffer.from(hkdfSync('sha256', key, '', purpose, KEY_BYTES)),
    seal: (secret, context) => {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(context));
      const sealed = Buffer.concat([iv, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return FORMAT + sealed.toString('base64');
    },
    unseal: (sealed, context) => {
      if (!sealed.startsWith(FORMAT)) throw new Error('a sealed secret of an unknown format');
      const bytes = Buffer.from(sealed.slice(FORMAT.length), 'base64');
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES), {
        authTagLength: TAG_BYTES,
      })
        .setAAD(Buffer.from(context))
        .setAuthTag(bytes.subarray(-TAG_BYTES));
      return (
        decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
      );
    },
  };
}
