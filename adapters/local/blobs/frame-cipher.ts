import { createCipheriv, createDecipheriv } from 'node:crypto';
import { TAG_BYTES } from './frame-table.js';

/** AES-256-GCM (NIST SP 800-38D), one message for each frame. */
const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;

export interface FrameAddress {
  /** Of the whole content: so that no frame can be passed off as the last one of a shorter content. */
  readonly size_bytes: number;
  readonly index: number;
  readonly packed: boolean;
}

/** The blob has a key of its own, so the index alone makes the nonce unique. */
function nonceOf({ index }: FrameAddress): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES);
  nonce.writeUInt32BE(index, NONCE_BYTES - 4);
  return nonce;
}

/** What the tag vouches for beside the bytes. */
function contextOf({ size_bytes, index, packed }: FrameAddress): Buffer {
  const bytes = Buffer.alloc(11);
  bytes.writeUIntBE(size_bytes, 0, 6);
  bytes.writeUInt32BE(index, 6);
  bytes[10] = packed ? 1 : 0;
  return bytes;
}

/** Takes one frame, in one or more pieces. */
export interface FrameSealer {
  update(bytes: Uint8Array): Buffer;
  tag(): Buffer;
}

export function sealFrame(blob_key: Buffer, address: FrameAddress): FrameSealer {
  const cipher = createCipheriv(ALGORITHM, blob_key, nonceOf(address), { authTagLength: TAG_BYTES });
  cipher.setAAD(contextOf(address));
  return {
    update: (bytes) => cipher.update(bytes),
    tag() {
      cipher.final();
      return cipher.getAuthTag();
    },
  };
}

/** Undefined where the frame is not what was sealed at this place of this blob. */
export function openFrame(
  blob_key: Buffer,
  address: FrameAddress,
  stored: Uint8Array,
  tag: Buffer,
): Buffer | undefined {
  const decipher = createDecipheriv(ALGORITHM, blob_key, nonceOf(address), { authTagLength: TAG_BYTES });
  decipher.setAAD(contextOf(address)).setAuthTag(tag);
  const bytes = decipher.update(stored);
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  return bytes;
}
