import type { Digests, Trailer } from '../recoded/codec.js';
import { readDigests, writeDigests } from '../recoded/stored-digests.js';
import { TAG_BYTES, TRAILER_BYTES } from './format.js';
import {
  KEY_REFERENCE_BYTES,
  type KeyReference,
  type Keys,
  notAsSealed,
  openFrame,
  sealFrame,
} from './keys.js';

/** Ends every piece: digests of a stream are known only when it has ended. No frame has this number. */
const TRAILER_INDEX = 0xffff_ffff;
const SIZE_BYTES = 8;
const PAYLOAD_BYTES = TRAILER_BYTES - KEY_REFERENCE_BYTES - TAG_BYTES;

export function sealTrailer(key: Buffer, reference: KeyReference, digests: Digests): Buffer {
  const payload = Buffer.alloc(PAYLOAD_BYTES);
  payload.writeBigUInt64BE(BigInt(digests.size_bytes));
  writeDigests(payload, SIZE_BYTES, digests);
  return Buffer.concat([reference, sealFrame(key, TRAILER_INDEX, payload)]);
}

/** Fails with `corrupt`, or with `access_denied` when the key is missing. */
export function openTrailer(keys: Keys, stored: Uint8Array): Trailer {
  if (stored.length !== TRAILER_BYTES) throw notAsSealed();
  const bytes = Buffer.from(stored);
  const reference = bytes.subarray(0, KEY_REFERENCE_BYTES);
  const payload = openFrame(keys.keyOf(reference), TRAILER_INDEX, bytes.subarray(KEY_REFERENCE_BYTES));
  const digests = readDigests(payload, SIZE_BYTES);
  if (digests === undefined) throw notAsSealed();
  return { reference, size_bytes: Number(payload.readBigUInt64BE()), ...digests };
}
