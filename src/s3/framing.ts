import type { IncomingHttpHeaders } from 'node:http';
import { type SignatureChain, signatureChain } from '../wire/sigv4.js';
import type { Authenticated } from './auth/request.js';
import { invalidArgument, notImplemented, S3Error } from './errors.js';

/** How the bytes of a body are to be read. */
export interface Framing {
  /** Of the data, without chunk headers; undefined when only the end of the body will tell. */
  readonly size_bytes: number | undefined;
  /** Hex; the client signed the digest of the whole body. */
  readonly sha256: string | undefined;
  /** Undefined for a body that is sent as it is. */
  readonly chunked: ChunkedFraming | undefined;
}

export interface ChunkedFraming {
  readonly signatures: SignatureChain | undefined;
  readonly trailer: boolean;
}

const SHA256_HEX = /^[0-9a-f]{64}$/;
const DIGITS = /^\d{1,15}$/;
const SIGNED_CHUNKS = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD';
const SIGNED_CHUNKS_TRAILER = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER';
const UNSIGNED_CHUNKS_TRAILER = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER';

/**
 * Reads it from the headers alone. S3 API reference, "Authenticating Requests: Using the Authorization Header",
 * x-amz-content-sha256.
 */
export function readFraming(headers: IncomingHttpHeaders, authenticated: Authenticated): Framing {
  const hash = authenticated.payload_hash;
  if (hash === 'UNSIGNED-PAYLOAD') {
    // SDKs that sign nothing still frame their body, and say so only by the decoded length.
    return headers['x-amz-decoded-content-length'] === undefined
      ? plain(headers, undefined)
      : chunked(headers, { signatures: undefined, trailer: true });
  }
  if (SHA256_HEX.test(hash)) return plain(headers, hash);
  switch (hash) {
    case SIGNED_CHUNKS:
      return chunked(headers, { signatures: chainOf(authenticated), trailer: false });
    case SIGNED_CHUNKS_TRAILER:
      return chunked(headers, { signatures: chainOf(authenticated), trailer: true });
    case UNSIGNED_CHUNKS_TRAILER:
      return chunked(headers, { signatures: undefined, trailer: true });
    default:
      throw unknownHash(hash);
  }
}

function plain(headers: IncomingHttpHeaders, sha256: string | undefined): Framing {
  const length = headers['content-length'];
  if (length !== undefined) return { size_bytes: Number(length), sha256, chunked: undefined };
  // RFC 9112, section 6.3: without both there is no body.
  const size_bytes = headers['transfer-encoding'] === undefined ? 0 : undefined;
  return { size_bytes, sha256, chunked: undefined };
}

function chunked(headers: IncomingHttpHeaders, framing: ChunkedFraming): Framing {
  const text = headers['x-amz-decoded-content-length'];
  if (typeof text !== 'string' || text === '') throw new S3Error('MissingContentLength');
  if (!DIGITS.test(text)) throw invalidArgument('x-amz-decoded-content-length', text);
  return { size_bytes: Number(text), sha256: undefined, chunked: framing };
}

function chainOf({ chunk_seed }: Authenticated): SignatureChain {
  if (chunk_seed !== undefined) return signatureChain(chunk_seed);
  throw new S3Error('AccessDenied', { message: 'Signed chunks need a signed request.' });
}

function unknownHash(hash: string): S3Error {
  if (hash.startsWith('STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD')) return notImplemented('SigV4A');
  return invalidArgument(
    'x-amz-content-sha256',
    hash,
    `x-amz-content-sha256 must be UNSIGNED-PAYLOAD, ${UNSIGNED_CHUNKS_TRAILER}, ${SIGNED_CHUNKS}, ${SIGNED_CHUNKS_TRAILER}, or a valid sha256 value.`,
  );
}
