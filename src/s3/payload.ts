import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { LIMITS } from '../../config/limits.js';
import { AwsChunkedError, type AwsChunkedFault, createChunkedDecoder } from '../wire/aws-chunked.js';
import { checksumOf } from '../wire/checksums.js';
import { type ErrorCode, S3Error } from './errors.js';
import type { ChunkedFraming, Framing } from './framing.js';
import { incomingBytes, incomingWhole } from './incoming.js';
import type { Payload } from './operation.js';
import { bodyExpectation } from './parameters/checksums.js';

export interface PayloadSource {
  readonly request: IncomingMessage;
  readonly framing: Framing;
  /** Called once before the first byte is asked for: answers `Expect: 100-continue`. */
  readonly onFirstRead: () => void;
  /** Whether x-amz-checksum-* headers speak of this body; in CompleteMultipartUpload they speak of the object. */
  readonly checksum_headers: boolean;
}

/** `Expect: 100-continue` may be answered and the body read here: all else has to be checked before. */
export async function createPayload(source: PayloadSource): Promise<Payload> {
  const { size_bytes } = source.framing;
  return size_bytes === undefined ? unsizedPayload(source) : sizedPayload(source, size_bytes);
}

/** Stores want to know how much will come, so a body that does not say is read first. It has to be small for that. */
async function unsizedPayload(source: PayloadSource): Promise<Payload> {
  source.onFirstRead();
  const pieces: Buffer[] = [];
  let size_bytes = 0;
  for await (const piece of incomingBytes(source.request)) {
    pieces.push(Buffer.from(piece));
    size_bytes += piece.length;
    if (size_bytes > LIMITS.unsized_payload_bytes_max) throw new S3Error('MissingContentLength');
  }
  const bytes = Buffer.concat(pieces);
  const payload: Payload = {
    size_bytes,
    sha256: source.framing.sha256,
    body: () => Promise.resolve(bytes),
    stream: () => bytes,
    text: async (limit_bytes) => textOf(source, payload, bytes, limit_bytes),
    trailer: () => undefined,
  };
  return payload;
}

function sizedPayload(source: PayloadSource, size_bytes: number): Payload {
  const { framing, request } = source;
  let trailers: ReadonlyMap<string, string> | undefined;
  const takeTrailers = (found: ReadonlyMap<string, string>) => {
    checkAnnounced(request, found);
    trailers = found;
  };

  const stream = () => {
    source.onFirstRead();
    return framing.chunked === undefined
      ? incomingBytes(request)
      : decodedStream(request, framing.chunked, size_bytes, takeTrailers);
  };

  async function whole(): Promise<Buffer> {
    if (framing.chunked !== undefined) return collect(stream());
    // Nothing to wait for: the end of an empty body has been seen with its headers.
    if (size_bytes === 0) return EMPTY;
    source.onFirstRead();
    return incomingWhole(request);
  }

  const payload: Payload = {
    size_bytes,
    sha256: framing.sha256,
    body: async () => (size_bytes > LIMITS.whole_payload_bytes_max ? stream() : whole()),
    stream,
    async text(limit_bytes) {
      if (size_bytes > limit_bytes) throw new S3Error('MaxMessageLengthExceeded');
      return textOf(source, payload, await whole(), limit_bytes);
    },
    trailer: (name) => trailers?.get(name),
  };
  return payload;
}

function textOf(source: PayloadSource, payload: Payload, bytes: Buffer, limit_bytes: number): string {
  if (bytes.length > limit_bytes) throw new S3Error('MaxMessageLengthExceeded');
  verifyWhole(source, payload, bytes);
  return bytes.toString('utf8');
}

const EMPTY = Buffer.alloc(0);

/** For operations without a body: one that comes nevertheless is never looked at. */
export const NO_PAYLOAD: Payload = {
  size_bytes: 0,
  sha256: undefined,
  body: () => Promise.resolve(EMPTY),
  stream: () => EMPTY,
  text: () => Promise.resolve(''),
  trailer: () => undefined,
};

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

async function* decodedStream(
  request: IncomingMessage,
  framing: ChunkedFraming,
  size_bytes: number,
  takeTrailers: (trailers: ReadonlyMap<string, string>) => void,
): AsyncGenerator<Buffer, void, undefined> {
  const decoder = createChunkedDecoder({
    size_bytes,
    signatures: framing.signatures,
    trailer: framing.trailer,
    chunk_header_bytes_max: LIMITS.chunk_header_bytes_max,
    trailer_bytes_max: LIMITS.chunk_trailer_bytes_max,
  });
  try {
    for await (const bytes of incomingBytes(request)) yield* decoder.push(bytes);
    decoder.finish();
  } catch (error) {
    throw error instanceof AwsChunkedError ? fromDecoder(error) : error;
  }
  takeTrailers(decoder.trailers);
}

const CODE_OF_FAULT: Readonly<Record<AwsChunkedFault, ErrorCode>> = {
  framing: 'InvalidRequest',
  incomplete: 'IncompleteBody',
  too_long: 'IncompleteBody',
  signature: 'SignatureDoesNotMatch',
  trailer: 'MalformedTrailerError',
};

function fromDecoder(error: AwsChunkedError): S3Error {
  const code = CODE_OF_FAULT[error.fault];
  const message = `The aws-chunked body is not valid: ${error.message}.`;
  return new S3Error(code, {
    ...(code === 'SignatureDoesNotMatch' ? {} : { message }),
    cause: error,
  });
}

/** S3 API reference, PutObject, x-amz-trailer: what is announced there has to come. */
function checkAnnounced({ headers }: IncomingMessage, found: ReadonlyMap<string, string>): void {
  const announced = headers['x-amz-trailer'];
  if (typeof announced !== 'string') return;
  for (const name of announced.split(',')) {
    const lower = name.trim().toLowerCase();
    if (lower !== '' && !found.has(lower)) {
      throw new S3Error('MalformedTrailerError', { message: `The trailing header ${lower} is missing.` });
    }
  }
}

/** Compares a body that is all there with every digest that the client promised of it. */
function verifyWhole({ request, checksum_headers }: PayloadSource, payload: Payload, bytes: Buffer): void {
  const { headers } = request;
  const { md5, sha256, checksum } = bodyExpectation(
    checksum_headers ? headers : withoutChecksums(headers),
    payload,
  );
  if (sha256 !== undefined && hex('sha256', bytes) !== sha256) throw new S3Error('XAmzContentSHA256Mismatch');
  if (md5 !== undefined && hex('md5', bytes) !== md5) {
    throw new S3Error('BadDigest', {
      message: 'The Content-MD5 you specified did not match what we received.',
    });
  }
  const promised = checksum?.value?.();
  if (checksum === undefined || promised === undefined) return;
  if (checksumOf(checksum.algorithm, bytes).toString('base64') !== promised) {
    throw new S3Error('BadDigest', {
      message: `The ${checksum.algorithm} you specified did not match the calculated checksum.`,
    });
  }
}

function withoutChecksums(headers: IncomingMessage['headers']): IncomingMessage['headers'] {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith('x-amz-checksum-')));
}

function hex(algorithm: 'md5' | 'sha256', bytes: Buffer): string {
  return createHash(algorithm).update(bytes).digest('hex');
}
