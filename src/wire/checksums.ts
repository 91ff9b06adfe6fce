import { createHash } from 'node:crypto';
import { crc32, crc32c } from '@node-rs/crc32';
import { type CrcAlgorithm, combineCrc } from './crc-combine.js';
import { CRC64_START, crc64Digest, crc64Update } from './crc64-nvme.js';

/** The x-amz-checksum-* algorithms (S3 User Guide, "Checking object integrity"). */
export type ChecksumAlgorithm = CrcAlgorithm | 'SHA1' | 'SHA256';

/** Takes bytes as they come. `digest` ends it: big-endian raw bytes, which S3 sends as base64. */
export interface ChecksumHasher {
  update(bytes: Uint8Array): void;
  digest(): Buffer;
}

export const CHECKSUM_ALGORITHMS: readonly ChecksumAlgorithm[] = [
  'CRC32',
  'CRC32C',
  'CRC64NVME',
  'SHA1',
  'SHA256',
];

/** Length of the raw value. */
export const CHECKSUM_BYTES: Readonly<Record<ChecksumAlgorithm, number>> = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  SHA1: 20,
  SHA256: 32,
};

export function createChecksum(algorithm: ChecksumAlgorithm): ChecksumHasher {
  switch (algorithm) {
    case 'CRC32':
      return crc32Hasher(crc32);
    case 'CRC32C':
      return crc32Hasher(crc32c);
    case 'CRC64NVME':
      return crc64Hasher();
    case 'SHA1':
      return shaHasher('sha1');
    case 'SHA256':
      return shaHasher('sha256');
  }
}

/** The checksum of bytes that are all there: no hasher is made for it. */
export function checksumOf(algorithm: ChecksumAlgorithm, bytes: Uint8Array): Buffer {
  switch (algorithm) {
    case 'CRC32':
      return uint32(crc32(bytes));
    case 'CRC32C':
      return uint32(crc32c(bytes));
    case 'CRC64NVME':
      return crc64Digest(crc64Update(CRC64_START, bytes));
    case 'SHA1':
      return createHash('sha1').update(bytes).digest();
    case 'SHA256':
      return createHash('sha256').update(bytes).digest();
  }
}

/**
 * COMPOSITE checksum of a multipart object: the checksum of its parts' raw checksums, one after the other. S3 shows
 * it as base64 with `-N` behind it, N being the number of parts.
 */
export function combineComposite(algorithm: ChecksumAlgorithm, parts: readonly Uint8Array[]): Buffer {
  return checksumOf(algorithm, Buffer.concat(parts));
}

/**
 * FULL_OBJECT checksum of a multipart object out of those of its parts, without reading a byte. Only CRCs can be
 * combined; SHA1 and SHA256 throw a RangeError, as S3 offers them no FULL_OBJECT type.
 */
export function combineFullObject(
  algorithm: ChecksumAlgorithm,
  parts: readonly { readonly checksum: Uint8Array; readonly size_bytes: number }[],
): Buffer {
  if (algorithm === 'SHA1' || algorithm === 'SHA256') {
    throw new RangeError(`${algorithm} cannot be combined to a full-object checksum`);
  }
  return combineCrc(algorithm, parts);
}

export function isChecksumAlgorithm(name: string): name is ChecksumAlgorithm {
  return Object.hasOwn(CHECKSUM_BYTES, name);
}

function crc32Hasher(crc: (bytes: Uint8Array, state: number) => number): ChecksumHasher {
  let state = 0;
  return {
    update(bytes) {
      state = crc(bytes, state);
    },
    digest: () => uint32(state),
  };
}

function crc64Hasher(): ChecksumHasher {
  let state = CRC64_START;
  return {
    update(bytes) {
      state = crc64Update(state, bytes);
    },
    digest: () => crc64Digest(state),
  };
}

function shaHasher(name: 'sha1' | 'sha256'): ChecksumHasher {
  const hash = createHash(name);
  return {
    update(bytes) {
      hash.update(bytes);
    },
    digest: () => hash.digest(),
  };
}

function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}
