import { createHmac, hash, timingSafeEqual } from 'node:crypto';

/**
 * AWS Signature Version 4, the pure part, for servers and clients. Sources: S3 API reference, "Signature Calculations
 * for the Authorization Header" and "Authenticating Requests: Using Query Parameters".
 */
export const SIGV4_ALGORITHM = 'AWS4-HMAC-SHA256';
export const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

export interface CanonicalRequestInput {
  readonly method: string;
  /** Raw, as sent: never decoded and encoded again. */
  readonly path: string;
  /** See canonicalQuery. */
  readonly query: string;
  /** Lower case, in the order in which they are signed. */
  readonly signed_headers: readonly string[];
  /** The value of a signed header; '' where it was not sent. Several values are joined by a comma. */
  readonly header: (name: string) => string;
  /** Hex, or one of the literals such as UNSIGNED-PAYLOAD. */
  readonly payload_hash: string;
}

export function canonicalRequest(input: CanonicalRequestInput): string {
  let headers = '';
  for (const name of input.signed_headers) headers += `${name}:${collapseSpaces(input.header(name))}\n`;
  return `${input.method}\n${input.path}\n${input.query}\n${headers}\n${input.signed_headers.join(';')}\n${input.payload_hash}`;
}

/** `parameters` are encoded names and values; they are sorted by code point, first by name, then by value. */
export function canonicalQuery(parameters: readonly (readonly [name: string, value: string])[]): string {
  const sorted = inOrder(parameters) ? parameters : parameters.toSorted(compareParameters);
  let text = '';
  for (const parameter of sorted) text += `${text === '' ? '' : '&'}${parameter[0]}=${parameter[1]}`;
  return text;
}

/** `20130524/us-east-1/s3/aws4_request`. */
export function credentialScope(day: string, region: string, service: string): string {
  return `${day}/${region}/${service}/aws4_request`;
}

/** `timestamp` as in x-amz-date: `20130524T000000Z`. */
export function stringToSign(timestamp: string, scope: string, canonical: string): string {
  return `${SIGV4_ALGORITHM}\n${timestamp}\n${scope}\n${sha256Hex(canonical)}`;
}

const KEYS_KEPT = 256;
const signingKeys = new Map<string, Buffer>();

/** The derived key; it is the same for a day, so the last few are kept. */
export function signingKey(secret: string, day: string, region: string, service: string): Buffer {
  const name = `${day}/${region}/${service}/${secret}`;
  const known = signingKeys.get(name);
  if (known !== undefined) return known;
  const key = hmac(hmac(hmac(hmac(`AWS4${secret}`, day), region), service), 'aws4_request');
  if (signingKeys.size >= KEYS_KEPT) {
    const oldest = signingKeys.keys().next();
    if (!oldest.done) signingKeys.delete(oldest.value);
  }
  signingKeys.set(name, key);
  return key;
}

/** HMAC-SHA256 (RFC 2104) in hex; `key` is a signingKey. Of two one-shot hashes, which cost half of what an Hmac object does. */
export function sign(key: Buffer, text: string): string {
  const { inner, outer } = hmacBlocksOf(key);
  const length = BLOCK_BYTES + text.length * 3;
  const message = length <= signed.length ? signed : Buffer.allocUnsafe(length);
  message.set(inner, 0);
  const end = BLOCK_BYTES + message.write(text, BLOCK_BYTES, 'utf8');
  outer.write(hash('sha256', message.subarray(0, end), 'hex'), BLOCK_BYTES, 'hex');
  return hash('sha256', outer, 'hex');
}

/** Of SHA-256. */
const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;
const signed = Buffer.alloc(BLOCK_BYTES + 4 * 1024);

interface HmacBlocks {
  readonly inner: Buffer;
  /** With room for the inner digest behind it. */
  readonly outer: Buffer;
}

const hmacBlocks = new WeakMap<Buffer, HmacBlocks>();

/** The padded key, for keys of at most one block: derived keys have 32 bytes. */
function hmacBlocksOf(key: Buffer): HmacBlocks {
  const known = hmacBlocks.get(key);
  if (known !== undefined) return known;
  const inner = Buffer.alloc(BLOCK_BYTES, 0x36);
  const outer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES, 0x5c);
  key.forEach((byte, index) => {
    inner[index] = byte ^ 0x36;
    outer[index] = byte ^ 0x5c;
  });
  const blocks = { inner, outer };
  hmacBlocks.set(key, blocks);
  return blocks;
}

// Compared without making a buffer for each signature: this is on the way of every request.
const SIGNATURE_LENGTH = 64;
const expectedBytes = Buffer.alloc(SIGNATURE_LENGTH);
const givenBytes = Buffer.alloc(SIGNATURE_LENGTH);

/** In constant time. Both in hex. */
export function signatureEquals(expected: string, given: string): boolean {
  if (expected.length !== SIGNATURE_LENGTH || given.length !== SIGNATURE_LENGTH) return false;
  expectedBytes.write(expected, 'latin1');
  givenBytes.write(given, 'latin1');
  return timingSafeEqual(expectedBytes, givenBytes);
}

/** The chain of signatures of an aws-chunked body: each one covers the one before it, the first the request's own. */
export interface SignatureChain {
  /** Whether this is the right signature of the next chunk, whose data has this SHA-256 (hex). */
  verifyChunk(signature: string, data_sha256: string): boolean;
  /** `trailers`: each as `name:value\n`. */
  verifyTrailer(signature: string, trailers: string): boolean;
}

export interface SignatureChainInput {
  readonly key: Buffer;
  readonly timestamp: string;
  readonly scope: string;
  /** Signature of the request's headers. */
  readonly seed: string;
}

export function signatureChain(input: SignatureChainInput): SignatureChain {
  let previous = input.seed;
  return {
    verifyChunk(signature, data_sha256) {
      const expected = signChunk(input, previous, data_sha256);
      previous = expected;
      return signatureEquals(expected, signature);
    },
    verifyTrailer: (signature, trailers) =>
      signatureEquals(signTrailer(input, previous, trailers), signature),
  };
}

type ChunkScope = Pick<SignatureChainInput, 'key' | 'timestamp' | 'scope'>;

/** S3 API reference, "Transferring Payload in Multiple Chunks (Chunked Upload)". */
export function signChunk(
  { key, timestamp, scope }: ChunkScope,
  previous: string,
  data_sha256: string,
): string {
  return sign(
    key,
    `${SIGV4_ALGORITHM}-PAYLOAD\n${timestamp}\n${scope}\n${previous}\n${EMPTY_SHA256}\n${data_sha256}`,
  );
}

/** S3 API reference, "Signature calculations for trailing headers". */
export function signTrailer(
  { key, timestamp, scope }: ChunkScope,
  previous: string,
  trailers: string,
): string {
  return sign(key, `${SIGV4_ALGORITHM}-TRAILER\n${timestamp}\n${scope}\n${previous}\n${sha256Hex(trailers)}`);
}

export function sha256Hex(data: string | Uint8Array): string {
  return hash('sha256', data, 'hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text, 'utf8').digest();
}

const SEVERAL_SPACES = / {2,}/g;

function collapseSpaces(value: string): string {
  const trimmed = value.trim();
  return trimmed.includes('  ') ? trimmed.replaceAll(SEVERAL_SPACES, ' ') : trimmed;
}

/** Most clients send them sorted. */
function inOrder(parameters: readonly (readonly [string, string])[]): boolean {
  let before: readonly [string, string] | undefined;
  for (const parameter of parameters) {
    if (before !== undefined && compareParameters(before, parameter) > 0) return false;
    before = parameter;
  }
  return true;
}

function compareParameters(a: readonly [string, string], b: readonly [string, string]): number {
  if (a[0] !== b[0]) return a[0] < b[0] ? -1 : 1;
  if (a[1] === b[1]) return 0;
  return a[1] < b[1] ? -1 : 1;
}
