import { CHECKSUM_BYTES, type ChecksumAlgorithm } from '../../../src/wire/checksums.js';
import type { Digests, Trailer } from '../recoded/codec.js';
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
/** Trailers name them by their place here: it may grow at its end, and nothing else. */
const STORED_CHECKSUMS: readonly ChecksumAlgorithm[] = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'];
const SIZE_BYTES = 8;
const MD5_BYTES = 16;
const SHA256_BYTES = 32;
const PAYLOAD_BYTES = TRAILER_BYTES - KEY_REFERENCE_BYTES - TAG_BYTES;

export function sealTrailer(key: Buffer, reference: KeyReference, digests: Digests): Buffer {
  const payload = Buffer.alloc(PAYLOAD_BYTES);
  payload.writeBigUInt64BE(BigInt(digests.size_bytes));
  digests.md5.copy(payload, SIZE_BYTES);
  digests.sha256.copy(payload, SIZE_BYTES + MD5_BYTES);
  const at = SIZE_BYTES + MD5_BYTES + SHA256_BYTES;
  payload[at] = STORED_CHECKSUMS.indexOf(digests.algorithm);
  digests.checksum.copy(payload, at + 1);
  return Buffer.concat([reference, sealFrame(key, TRAILER_INDEX, payload)]);
}

/** Fails with `corrupt`, or with `access_denied` when the key is missing. */
export function openTrailer(keys: Keys, stored: Uint8Array): Trailer {
  if (stored.length !== TRAILER_BYTES) throw notAsSealed();
  const bytes = Buffer.from(stored);
  const reference = bytes.subarray(0, KEY_REFERENCE_BYTES);
  const payload = openFrame(keys.keyOf(reference), TRAILER_INDEX, bytes.subarray(KEY_REFERENCE_BYTES));
  const at = SIZE_BYTES + MD5_BYTES + SHA256_BYTES;
  const algorithm = STORED_CHECKSUMS[payload[at] ?? -1];
  if (algorithm === undefined) throw notAsSealed();
  return {
    reference,
    size_bytes: Number(payload.readBigUInt64BE()),
    md5: payload.subarray(SIZE_BYTES, SIZE_BYTES + MD5_BYTES),
    sha256: payload.subarray(SIZE_BYTES + MD5_BYTES, at),
    algorithm,
    checksum: payload.subarray(at + 1, at + 1 + CHECKSUM_BYTES[algorithm]),
  };
}
