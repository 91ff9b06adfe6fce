import type { IncomingHttpHeaders } from 'node:http';
import type {
  BodyExpectation,
  ChecksumAlgorithm,
  ChecksumRequest,
  ChecksumType,
  ObjectChecksum,
} from '../../../adapters/contract/index.js';
import { CHECKSUM_BYTES, isChecksumAlgorithm } from '../../wire/checksums.js';
import { invalidArgument, notImplemented, S3Error } from '../errors.js';
import type { Payload } from '../operation.js';
import { headerText } from './header-text.js';

const PREFIX = 'x-amz-checksum-';
/** Headers with the prefix that carry no value of a checksum. */
const NOT_A_VALUE: ReadonlySet<string> = new Set(['algorithm', 'mode', 'type']);
/** In the API model, but of no use to any store behind the contract. */
const BEYOND: ReadonlySet<string> = new Set(['SHA512', 'MD5', 'XXHASH64', 'XXHASH3', 'XXHASH128']);

/** `x-amz-checksum-crc32` for CRC32. */
export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return HEADER_OF[algorithm];
}

const HEADER_OF: Readonly<Record<ChecksumAlgorithm, string>> = {
  CRC32: 'x-amz-checksum-crc32',
  CRC32C: 'x-amz-checksum-crc32c',
  CRC64NVME: 'x-amz-checksum-crc64nvme',
  SHA1: 'x-amz-checksum-sha1',
  SHA256: 'x-amz-checksum-sha256',
};

/** Reply headers of a stored checksum. */
export function checksumHeaders(checksum: ObjectChecksum | null): Record<string, string> {
  if (checksum === null) return {};
  return { [HEADER_OF[checksum.algorithm]]: checksum.value, 'x-amz-checksum-type': checksum.type };
}

/** `<ChecksumCRC32>` and, where `withType`, `<ChecksumType>`. Base64 needs no escape. */
export function checksumXml(checksum: ObjectChecksum | null, withType: boolean): string {
  if (checksum === null) return '';
  const name = `Checksum${checksum.algorithm}`;
  const type = withType ? `<ChecksumType>${checksum.type}</ChecksumType>` : '';
  return `<${name}>${checksum.value}</${name}>${type}`;
}

/** All that a client promises of a body: Content-MD5, x-amz-content-sha256, and a checksum in a header or trailer. */
export function bodyExpectation(headers: IncomingHttpHeaders, payload: Payload): BodyExpectation {
  const md5 = contentMd5(headers);
  const checksum = checksumRequest(headers, payload);
  return {
    ...(md5 === undefined ? {} : { md5 }),
    ...(payload.sha256 === undefined ? {} : { sha256: payload.sha256 }),
    ...(checksum === undefined ? {} : { checksum }),
  };
}

const MD5_BYTES = 16;

/** Content-MD5 (RFC 1864) as hex. */
function contentMd5(headers: IncomingHttpHeaders): string | undefined {
  const header = headers['content-md5'];
  if (header === undefined) return undefined;
  const value = typeof header === 'string' ? header : header.join(',');
  const bytes = Buffer.from(value, 'base64');
  if (bytes.length !== MD5_BYTES || bytes.toString('base64') !== value) {
    throw new S3Error('InvalidDigest', { message: 'The Content-MD5 you specified was invalid.' });
  }
  return bytes.toString('hex');
}

function checksumRequest(headers: IncomingHttpHeaders, payload: Payload): ChecksumRequest | undefined {
  const value = checksumValue(headers);
  const announced = checksumTrailer(headers);
  const wanted = algorithmHeader(headers, 'x-amz-sdk-checksum-algorithm');
  const algorithm = value?.algorithm ?? announced ?? wanted;
  if (algorithm === undefined) return undefined;
  if (value !== undefined && announced !== undefined) throw severalChecksums();
  if (wanted !== undefined && wanted !== algorithm) {
    throw new S3Error('InvalidRequest', {
      message: 'Value for x-amz-sdk-checksum-algorithm header is invalid.',
    });
  }
  if (value !== undefined) return { algorithm, value: () => value.value };
  if (announced === undefined) return { algorithm };
  return { algorithm, value: () => trailingValue(announced, payload) };
}

function trailingValue(algorithm: ChecksumAlgorithm, payload: Payload): string | undefined {
  const name = HEADER_OF[algorithm];
  const value = payload.trailer(name);
  return value === undefined ? undefined : checked(algorithm, name, value);
}

/** The one checksum that the request carries in a header (S3 User Guide, "Checking object integrity"). */
function checksumValue(
  headers: IncomingHttpHeaders,
): { readonly algorithm: ChecksumAlgorithm; readonly value: string } | undefined {
  let found: { algorithm: ChecksumAlgorithm; value: string } | undefined;
  for (const name in headers) {
    if (!name.startsWith(PREFIX)) continue;
    const suffix = name.slice(PREFIX.length);
    if (NOT_A_VALUE.has(suffix)) continue;
    const algorithm = knownAlgorithm(suffix.toUpperCase());
    if (found !== undefined) throw severalChecksums();
    found = { algorithm, value: checked(algorithm, name, headerText(headers, name) ?? '') };
  }
  return found;
}

/** As checksumValue, for CompleteMultipartUpload: composite values may end in `-N`. */
export function objectChecksumValue(
  headers: IncomingHttpHeaders,
): { readonly algorithm: ChecksumAlgorithm; readonly value: string } | undefined {
  for (const name in headers) {
    if (!name.startsWith(PREFIX) || NOT_A_VALUE.has(name.slice(PREFIX.length))) continue;
    const algorithm = knownAlgorithm(name.slice(PREFIX.length).toUpperCase());
    const value = headerText(headers, name) ?? '';
    const dash = value.lastIndexOf('-');
    checked(algorithm, name, dash === -1 ? value : value.slice(0, dash));
    return { algorithm, value };
  }
  return undefined;
}

function checksumTrailer(headers: IncomingHttpHeaders): ChecksumAlgorithm | undefined {
  const trailer = headerText(headers, 'x-amz-trailer')?.trim().toLowerCase();
  if (trailer === undefined || !trailer.startsWith(PREFIX)) return undefined;
  return knownAlgorithm(trailer.slice(PREFIX.length).toUpperCase());
}

/** A header that names an algorithm: `x-amz-checksum-algorithm` or `x-amz-sdk-checksum-algorithm`. */
export function algorithmHeader(headers: IncomingHttpHeaders, name: string): ChecksumAlgorithm | undefined {
  const value = headerText(headers, name);
  return value === undefined ? undefined : knownAlgorithm(value.toUpperCase());
}

export function checksumType(headers: IncomingHttpHeaders): ChecksumType | undefined {
  const value = headerText(headers, 'x-amz-checksum-type')?.toUpperCase();
  if (value === undefined || value === 'COMPOSITE' || value === 'FULL_OBJECT') return value;
  throw invalidArgument('x-amz-checksum-type', value, 'Value for x-amz-checksum-type header is invalid.');
}

/** S3 User Guide, "Checking object integrity": CRC64NVME is always full object, the others composite by default. */
export function defaultChecksumType(algorithm: ChecksumAlgorithm): ChecksumType {
  return algorithm === 'CRC64NVME' ? 'FULL_OBJECT' : 'COMPOSITE';
}

function knownAlgorithm(name: string): ChecksumAlgorithm {
  if (isChecksumAlgorithm(name)) return name;
  if (BEYOND.has(name)) throw notImplemented(`The checksum algorithm ${name}`);
  throw new S3Error('InvalidRequest', {
    message:
      'Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]',
  });
}

/** What cannot be the checksum of anything does not match the body either: the suite of Ceph asks for BadDigest. */
function checked(algorithm: ChecksumAlgorithm, name: string, value: string): string {
  const bytes = Buffer.from(value, 'base64');
  if (bytes.length === CHECKSUM_BYTES[algorithm] && bytes.toString('base64') === value) return value;
  throw new S3Error('BadDigest', { message: `Value for ${name} header is invalid.` });
}

function severalChecksums(): S3Error {
  return new S3Error('InvalidRequest', {
    message: 'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
  });
}

/** Whether a request brings a digest of its body; some operations insist on one. A trailer counts. */
export function carriesDigest(headers: IncomingHttpHeaders): boolean {
  if (headers['content-md5'] !== undefined || checksumTrailer(headers) !== undefined) return true;
  return checksumValue(headers) !== undefined;
}
