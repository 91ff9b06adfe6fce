import { createHash } from 'node:crypto';
import { createChecksum } from '../../../src/wire/checksums.js';
import { type BodyExpectation, type ChecksumAlgorithm, StoreError } from '../../contract/index.js';
import type { Digests } from './codec.js';

interface Promised {
  readonly size_bytes: number;
  readonly algorithm: ChecksumAlgorithm;
  readonly expect?: BodyExpectation | undefined;
}

/** Hashes a plaintext on its way, and holds it to what was promised of it: both fail with `digest_mismatch`. */
export interface Digester {
  add(chunk: Uint8Array): void;
  end(): Digests;
}

export function createDigester({ size_bytes, algorithm, expect }: Promised): Digester {
  const md5 = createHash('md5');
  const sha256 = createHash('sha256');
  const checksum = algorithm === 'SHA256' ? undefined : createChecksum(algorithm);
  let received_bytes = 0;
  return {
    add(chunk) {
      received_bytes += chunk.length;
      if (received_bytes > size_bytes) throw mismatch('size', size_bytes, received_bytes);
      md5.update(chunk);
      sha256.update(chunk);
      checksum?.update(chunk);
    },
    end() {
      if (received_bytes !== size_bytes) throw mismatch('size', size_bytes, received_bytes);
      const whole = sha256.digest();
      const digests: Digests = {
        size_bytes,
        algorithm,
        md5: md5.digest(),
        sha256: whole,
        checksum: checksum?.digest() ?? whole,
      };
      requireDigests(digests, expect);
      return digests;
    },
  };
}

function requireDigests(digests: Digests, expect: BodyExpectation | undefined): void {
  const promised: [string, string | undefined, string][] = [
    ['md5', expect?.md5?.toLowerCase(), digests.md5.toString('hex')],
    ['sha256', expect?.sha256?.toLowerCase(), digests.sha256.toString('hex')],
    [digests.algorithm, expect?.checksum?.value?.(), digests.checksum.toString('base64')],
  ];
  for (const [algorithm, expected, actual] of promised) {
    if (expected !== undefined && expected !== actual) throw mismatch(algorithm, expected, actual);
  }
}

function mismatch(algorithm: string, expected: unknown, actual: unknown): StoreError {
  return new StoreError('digest_mismatch', `the body's ${algorithm} is ${actual}, not ${expected}`, {
    subject: 'body',
    detail: { algorithm, expected: String(expected), actual: String(actual) },
  });
}
