import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { crc32c } from '@node-rs/crc32';
import { createCRC64 } from 'hash-wasm';
import { expect } from 'vitest';
import type { ChecksumAlgorithm, ObjectChecksum } from '../../contract/index.js';

/** Reference values, computed apart from any adapter; the suite also holds adapters to published values. */
export function hex(algorithm: 'md5' | 'sha256', bytes: Uint8Array): string {
  return createHash(algorithm).update(bytes).digest('hex');
}

export const CHECKSUM_ALGORITHMS = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const;

async function rawChecksum(algorithm: ChecksumAlgorithm, bytes: Uint8Array): Promise<Buffer> {
  switch (algorithm) {
    case 'CRC32':
      return unsigned32(crc32(bytes));
    case 'CRC32C':
      return unsigned32(crc32c(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)));
    case 'CRC64NVME': {
      const hasher = await createCRC64('9a6c9329ac4bc9b5');
      return Buffer.from(hasher.update(bytes).digest('hex'), 'hex');
    }
    case 'SHA1':
      return createHash('sha1').update(bytes).digest();
    case 'SHA256':
      return createHash('sha256').update(bytes).digest();
  }
}

/** Base64. */
export async function checksumOf(algorithm: ChecksumAlgorithm, bytes: Uint8Array): Promise<string> {
  return (await rawChecksum(algorithm, bytes)).toString('base64');
}

/** S3 User Guide, "Checking object integrity": the checksum of the parts' raw checksums, with their number behind it. */
export async function compositeChecksum(
  algorithm: ChecksumAlgorithm,
  parts: readonly Uint8Array[],
): Promise<ObjectChecksum> {
  const raw = await Promise.all(parts.map((part) => rawChecksum(algorithm, part)));
  const value = await checksumOf(algorithm, Buffer.concat(raw));
  return { algorithm, type: 'COMPOSITE', value: `${value}-${parts.length}` };
}

export async function fullObjectChecksum(
  algorithm: ChecksumAlgorithm,
  bytes: Uint8Array,
): Promise<ObjectChecksum> {
  return { algorithm, type: 'FULL_OBJECT', value: await checksumOf(algorithm, bytes) };
}

/** What an adapter may show that does not keep checksums, or not this one: none, or one that is true. */
export async function expectTrueOrNone(shown: ObjectChecksum | null, content: Uint8Array): Promise<void> {
  if (shown !== null) expect(shown).toEqual(await fullObjectChecksum(shown.algorithm, content));
}

/** The ETag of a multipart object: md5 of the parts' md5 values, with their number behind it. */
export function multipartEtag(parts: readonly Uint8Array[]): string {
  const digests = parts.map((part) => createHash('md5').update(part).digest());
  return `${createHash('md5').update(Buffer.concat(digests)).digest('hex')}-${parts.length}`;
}

function unsigned32(value: number): Buffer {
  const raw = Buffer.alloc(4);
  raw.writeUInt32BE(value >>> 0);
  return raw;
}
