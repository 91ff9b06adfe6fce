import { type BodyExpectation, StoreError } from '../../contract/index.js';
import type { Digests } from './body-hashers.js';

/** Throws digest_mismatch where the body is not what its sender promised. To be called after the body has ended. */
export function checkDigests(digests: Digests, expect: BodyExpectation | undefined): void {
  if (expect === undefined) return;
  if (expect.md5 !== undefined) compare('md5', expect.md5.toLowerCase(), digests.md5.toString('hex'));
  if (expect.sha256 !== undefined) {
    compare('sha256', expect.sha256.toLowerCase(), digests.sha256.toString('hex'));
  }
  const checksum = expect.checksum?.value?.();
  if (expect.checksum !== undefined && checksum !== undefined) {
    compare(expect.checksum.algorithm, checksum, digests.checksum.toString('base64'));
  }
}

export function checkSize(received_bytes: number, size_bytes: number): void {
  if (received_bytes !== size_bytes) {
    throw mismatch('size', String(size_bytes), String(received_bytes));
  }
}

function compare(algorithm: string, expected: string, actual: string): void {
  if (expected !== actual) throw mismatch(algorithm, expected, actual);
}

function mismatch(algorithm: string, expected: string, actual: string): StoreError {
  return new StoreError('digest_mismatch', `the body's ${algorithm} is ${actual}, not ${expected}`, {
    subject: 'body',
    detail: { algorithm, expected, actual },
  });
}
