import { CHECKSUM_BYTES, type ChecksumAlgorithm } from '../../../src/wire/checksums.js';
import type { Digests } from './codec.js';

/** Trailers and records name them by their place here: it may grow at its end, and nothing else. */
const STORED_CHECKSUMS: readonly ChecksumAlgorithm[] = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'];
const MD5_BYTES = 16;
const SHA256_BYTES = 32;
const CHECKSUM_BYTES_MAX = 32;
const CHECKSUM_AT = MD5_BYTES + SHA256_BYTES;

/** How digests lie in a trailer, and in the record of a part: MD5, SHA-256, the checksum's algorithm and its value, filled up with zeros. */
export const STORED_DIGESTS_BYTES = CHECKSUM_AT + 1 + CHECKSUM_BYTES_MAX;

type Stored = Omit<Digests, 'size_bytes'>;

/** `bytes` are zeros, at least as many behind `at` as digests take. */
export function writeDigests(bytes: Buffer, at: number, digests: Stored): void {
  digests.md5.copy(bytes, at);
  digests.sha256.copy(bytes, at + MD5_BYTES);
  bytes[at + CHECKSUM_AT] = STORED_CHECKSUMS.indexOf(digests.algorithm);
  digests.checksum.copy(bytes, at + CHECKSUM_AT + 1);
}

/** Undefined where they name an algorithm that there is not. */
export function readDigests(bytes: Buffer, at: number): Stored | undefined {
  const stored = bytes.subarray(at);
  const algorithm = STORED_CHECKSUMS[stored[CHECKSUM_AT] ?? -1];
  if (algorithm === undefined) return undefined;
  return {
    md5: stored.subarray(0, MD5_BYTES),
    sha256: stored.subarray(MD5_BYTES, CHECKSUM_AT),
    algorithm,
    checksum: stored.subarray(CHECKSUM_AT + 1, CHECKSUM_AT + 1 + CHECKSUM_BYTES[algorithm]),
  };
}
