import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { StoreError } from '../../contract/index.js';
import { TAG_BYTES } from './format.js';

/** Keys by their names. New writes use the current one; the others only read. */
export interface Keyring {
  readonly current: string;
  /** 32 bytes each. */
  readonly keys: ReadonlyMap<string, Uint8Array>;
}

/** Names the key of one piece without holding it: which key of the ring, and a salt of its own. Lies in the clear. */
export type KeyReference = Buffer;

const ALGORITHM = 'aes-256-gcm';
const KEY_BYTES = 32;
const FINGERPRINT_BYTES = 8;
const SALT_BYTES = 32;
const NONCE_BYTES = 12;
export const KEY_REFERENCE_BYTES = FINGERPRINT_BYTES + SALT_BYTES;

export interface Keys {
  newReference(): KeyReference;
  /** Fails with `access_denied` when the ring lacks the key. */
  keyOf(reference: KeyReference): Buffer;
  /** Few bytes, e.g. digests: AES-256-GCM under a key of their own. `context` must be the same when opened. */
  sealBytes(bytes: Uint8Array, context: string): Buffer;
  openBytes(sealed: Uint8Array, context: string): Buffer;
}

const fingerprintOf = (name: string): Buffer =>
  createHash('sha256').update(name).digest().subarray(0, FINGERPRINT_BYTES);

export function openKeyring({ current, keys }: Keyring): Keys {
  const ring = new Map<string, Uint8Array>();
  for (const [name, key] of keys) {
    if (key.length !== KEY_BYTES)
      throw new RangeError(`key ${name} has ${key.length} bytes, not ${KEY_BYTES}`);
    ring.set(fingerprintOf(name).toString('hex'), key);
  }
  if (!keys.has(current)) throw new RangeError(`the current key ${current} is not in the ring`);
  const fingerprint = fingerprintOf(current);

  // HKDF (RFC 5869) with a random salt: no key is used for two pieces, so frame numbers make nonces.
  const keyOf = (reference: KeyReference): Buffer => {
    const master = ring.get(reference.subarray(0, FINGERPRINT_BYTES).toString('hex'));
    if (master === undefined) {
      throw new StoreError('access_denied', 'the key of this content is not in the keyring', {
        subject: 'adapter',
      });
    }
    const salt = reference.subarray(FINGERPRINT_BYTES, KEY_REFERENCE_BYTES);
    return Buffer.from(hkdfSync('sha256', master, salt, 'plexichat-backup-node frames', KEY_BYTES));
  };
  const newReference = (): KeyReference => Buffer.concat([fingerprint, randomBytes(SALT_BYTES)]);

  return {
    newReference,
    keyOf,
    sealBytes(bytes, context) {
      const reference = newReference();
      return Buffer.concat([reference, sealFrame(keyOf(reference), 0, bytes, context)]);
    },
    openBytes(sealed, context) {
      const bytes = Buffer.from(sealed);
      const reference = bytes.subarray(0, KEY_REFERENCE_BYTES);
      return openFrame(keyOf(reference), 0, bytes.subarray(KEY_REFERENCE_BYTES), context);
    },
  };
}

function nonceOf(index: number): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES);
  nonce.writeUInt32BE(index, NONCE_BYTES - 4);
  return nonce;
}

/** NIST SP 800-38D. The number of the frame is its nonce: frames cannot change places. */
export function startFrame(key: Buffer, index: number) {
  return createCipheriv(ALGORITHM, key, nonceOf(index), { authTagLength: TAG_BYTES });
}

export function sealFrame(key: Buffer, index: number, bytes: Uint8Array, context = ''): Buffer {
  const cipher = startFrame(key, index).setAAD(Buffer.from(context));
  return Buffer.concat([cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
}

/** Fails with `corrupt`. */
export function openFrame(key: Buffer, index: number, sealed: Uint8Array, context = ''): Buffer {
  const end = sealed.length - TAG_BYTES;
  if (end < 0) throw notAsSealed();
  const decipher = createDecipheriv(ALGORITHM, key, nonceOf(index), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(context)).setAuthTag(sealed.subarray(end));
  const bytes = decipher.update(sealed.subarray(0, end));
  try {
    decipher.final();
  } catch {
    throw notAsSealed();
  }
  return bytes;
}

export function notAsSealed(): StoreError {
  return new StoreError('corrupt', 'the stored bytes are not what was encrypted');
}
