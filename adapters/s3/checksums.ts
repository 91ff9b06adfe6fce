import type { ChecksumAlgorithm, ObjectChecksum } from '../contract/index.js';

/** Members that S3's documents and the SDK name after the algorithms. */
export interface ChecksumMembers {
  readonly ChecksumCRC32?: string | undefined;
  readonly ChecksumCRC32C?: string | undefined;
  readonly ChecksumCRC64NVME?: string | undefined;
  readonly ChecksumSHA1?: string | undefined;
  readonly ChecksumSHA256?: string | undefined;
}

const MEMBERS: readonly (readonly [ChecksumAlgorithm, keyof ChecksumMembers])[] = [
  ['CRC64NVME', 'ChecksumCRC64NVME'],
  ['CRC32C', 'ChecksumCRC32C'],
  ['CRC32', 'ChecksumCRC32'],
  ['SHA256', 'ChecksumSHA256'],
  ['SHA1', 'ChecksumSHA1'],
];

/** The checksum of a part: of all its bytes, whatever the upload's checksum is made of. */
export function partChecksum(part: ChecksumMembers): ObjectChecksum | null {
  for (const [algorithm, member] of MEMBERS) {
    const value = part[member];
    if (value !== undefined && value !== '') return { algorithm, type: 'FULL_OBJECT', value };
  }
  return null;
}

export function checksumMember(checksum: {
  readonly algorithm: ChecksumAlgorithm;
  readonly value: string;
}): ChecksumMembers {
  return { [`Checksum${checksum.algorithm}`]: checksum.value };
}
