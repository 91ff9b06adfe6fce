import { LRUCache } from 'lru-cache';
import { LIMITS } from '../../config/limits.js';
import type { ChecksumAlgorithm, ObjectChecksum } from '../contract/index.js';

interface PartAddress {
  readonly bucket: string;
  readonly upload_id: string;
  readonly part_number: number;
}

/**
 * Checksums that parts were verified by and that the upstream does not keep, so that what clients say again when they
 * complete is compared. In memory: after a restart, or on another node, nothing is known of them.
 */
export interface VerifiedParts {
  add(part: PartAddress, etag: string, checksum: ObjectChecksum): void;
  /** Of those bytes: a part that was uploaded again has another ETag. */
  find(part: PartAddress, etag: string, algorithm: ChecksumAlgorithm): ObjectChecksum | undefined;
}

export function createVerifiedParts(): VerifiedParts {
  const known = new LRUCache<string, ObjectChecksum>({ max: LIMITS.upstream_verified_parts_max });
  const nameOf = ({ bucket, upload_id, part_number }: PartAddress, etag: string) =>
    JSON.stringify([bucket, upload_id, part_number, etag]);
  return {
    add(part, etag, checksum) {
      known.set(nameOf(part, etag), checksum);
    },
    find(part, etag, algorithm) {
      const checksum = known.get(nameOf(part, etag));
      return checksum?.algorithm === algorithm ? checksum : undefined;
    },
  };
}
