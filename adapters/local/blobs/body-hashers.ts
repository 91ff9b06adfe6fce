import { createHash, hash } from 'node:crypto';
import { checksumOf, createChecksum } from '../../../src/wire/checksums.js';
import type { ChecksumAlgorithm } from '../../contract/index.js';
import type { Block } from './block-pool.js';
import type { HashLanes } from './hash-lanes.js';

export interface Digests {
  readonly md5: Buffer;
  readonly sha256: Buffer;
  /** Of the object checksum that was asked for. */
  readonly checksum: Buffer;
}

/** Computes all digests of one body. */
export interface BodyHasher {
  /** Takes the first `length` bytes of a block, which must stay untouched until it resolves. */
  update(block: Block, length: number): Promise<unknown> | undefined;
  digest(): Promise<Digests>;
  /** Gives up; updates under way still resolve. After `digest` it does nothing. */
  drop(): void;
}

/** All digests of bytes that are all there, on the spot. */
export function hashBytes(bytes: Uint8Array, algorithm: ChecksumAlgorithm): Digests {
  // One-shot hashes make no Hash object; hex comes out several times faster than a fresh Buffer.
  const md5 = Buffer.from(hash('md5', bytes), 'hex');
  const sha256 = Buffer.from(hash('sha256', bytes), 'hex');
  return { md5, sha256, checksum: algorithm === 'SHA256' ? sha256 : checksumOf(algorithm, bytes) };
}

/** On the main thread: for bodies whose hashing takes less time than talking to another thread. */
export function createInPlaceHasher(algorithm: ChecksumAlgorithm): BodyHasher {
  const md5 = createHash('md5');
  const sha256 = createHash('sha256');
  const checksum = algorithm === 'SHA256' ? undefined : createChecksum(algorithm);
  return {
    update({ bytes }, length) {
      const part = bytes.subarray(0, length);
      md5.update(part);
      sha256.update(part);
      checksum?.update(part);
      return undefined;
    },
    async digest() {
      const id = sha256.digest();
      return { md5: md5.digest(), sha256: id, checksum: checksum?.digest() ?? id };
    },
    drop() {},
  };
}

/** On two workers side by side: MD5, the slowest, has one to itself. */
export function createLaneHasher(lanes: HashLanes, algorithm: ChecksumAlgorithm): BodyHasher {
  const first = lanes.open(['MD5']);
  const second = lanes.open(algorithm === 'SHA256' ? ['SHA256'] : ['SHA256', algorithm]);
  return {
    update: (block, length) => Promise.all([first.update(block, length), second.update(block, length)]),
    async digest() {
      const [[md5], [sha256, checksum = sha256]] = await Promise.all([first.digest(), second.digest()]);
      if (md5 === undefined || sha256 === undefined || checksum === undefined) {
        throw new TypeError('a hash worker left out a digest');
      }
      return { md5, sha256, checksum };
    },
    drop() {
      first.drop();
      second.drop();
    },
  };
}
