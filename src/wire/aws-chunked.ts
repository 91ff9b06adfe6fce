import { createHash, type Hash } from 'node:crypto';
import type { SignatureChain } from './sigv4.js';

/**
 * Decoder of the aws-chunked content encoding in all its variants: `SIZE[;chunk-signature=HEX] CRLF DATA CRLF ... 0
 * [;chunk-signature=HEX] CRLF [trailers] CRLF`. Source: S3 API reference, "Transferring Payload in Multiple Chunks".
 */
export interface ChunkedDecoder {
  /** Takes bytes split anywhere; gives the data in them, as views into them. Throws AwsChunkedError. */
  push(bytes: Buffer): Buffer[];
  /** To be called when the body has ended: throws AwsChunkedError unless it was whole and rightly signed. */
  finish(): void;
  /** Trailing headers by lower-case name; complete after `finish`. */
  readonly trailers: ReadonlyMap<string, string>;
}

export interface ChunkedDecoderOptions {
  /** x-amz-decoded-content-length; more or less data is an error. */
  readonly size_bytes: number;
  /** Given when chunks are signed. */
  readonly signatures?: SignatureChain | undefined;
  /** Whether trailing headers may follow the last chunk. */
  readonly trailer: boolean;
  readonly chunk_header_bytes_max: number;
  readonly trailer_bytes_max: number;
}

export type AwsChunkedFault = 'framing' | 'incomplete' | 'too_long' | 'signature' | 'trailer';

export class AwsChunkedError extends Error {
  readonly fault: AwsChunkedFault;
  constructor(fault: AwsChunkedFault, message: string) {
    super(message);
    this.name = 'AwsChunkedError';
    this.fault = fault;
  }
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const CHUNK_HEADER = /^([0-9a-fA-F]{1,16})(?:;chunk-signature=([0-9a-f]{64}))?[ \t]*$/;
const TRAILER_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*?)[ \t]*$/;
const TRAILER_SIGNATURE = 'x-amz-trailer-signature';

type State = 'header' | 'data' | 'data_end' | 'trailer';

export function createChunkedDecoder(options: ChunkedDecoderOptions): ChunkedDecoder {
  const trailers = new Map<string, string>();
  let state: State = 'header';
  /** What has come of a header, of the line end behind the data, or of the trailer. */
  let pending = '';
  let left_in_chunk = 0;
  let left_in_body = options.size_bytes;
  let signature = '';
  let hash: Hash | undefined;

  function push(bytes: Buffer): Buffer[] {
    const data: Buffer[] = [];
    let at = 0;
    while (at < bytes.length) {
      if (state === 'data') {
        const piece = bytes.subarray(at, at + left_in_chunk);
        at += piece.length;
        takeData(piece);
        data.push(piece);
      } else if (state === 'trailer') {
        takeTrailer(bytes.toString('latin1', at));
        at = bytes.length;
      } else {
        at = takeLine(bytes, at);
      }
    }
    return data;
  }

  function takeData(piece: Buffer): void {
    hash?.update(piece);
    left_in_chunk -= piece.length;
    left_in_body -= piece.length;
    if (left_in_chunk === 0) {
      verifyChunk();
      state = 'data_end';
    }
  }

  /** Reads up to the end of a line and returns where the next byte is. */
  function takeLine(bytes: Buffer, at: number): number {
    const end = bytes.indexOf(LINE_FEED, at);
    const stop = end === -1 ? bytes.length : end;
    if (pending.length + stop - at > options.chunk_header_bytes_max) {
      throw new AwsChunkedError('framing', 'a chunk header is too long');
    }
    pending += bytes.toString('latin1', at, stop);
    if (end === -1) return stop;
    if (pending.charCodeAt(pending.length - 1) !== CARRIAGE_RETURN) {
      throw new AwsChunkedError('framing', 'a line does not end with CR LF');
    }
    const line = pending.slice(0, -1);
    pending = '';
    if (state === 'data_end') takeDataEnd(line);
    else takeHeader(line);
    return end + 1;
  }

  function takeDataEnd(line: string): void {
    if (line !== '') throw new AwsChunkedError('framing', 'a chunk is longer than its header says');
    state = 'header';
  }

  function takeHeader(line: string): void {
    const match = CHUNK_HEADER.exec(line);
    if (match === null) throw new AwsChunkedError('framing', 'a chunk header is malformed');
    const size = Number.parseInt(match[1] ?? '', 16);
    if (size > left_in_body) throw new AwsChunkedError('too_long', 'there is more data than announced');
    signature = match[2] ?? '';
    if (options.signatures !== undefined) {
      if (signature === '') throw new AwsChunkedError('signature', 'a chunk is not signed');
      hash = createHash('sha256');
    }
    left_in_chunk = size;
    state = 'data';
    if (size === 0) {
      verifyChunk();
      state = 'trailer';
    }
  }

  function verifyChunk(): void {
    if (options.signatures === undefined || hash === undefined) return;
    if (!options.signatures.verifyChunk(signature, hash.digest('hex'))) {
      throw new AwsChunkedError('signature', 'the signature of a chunk is wrong');
    }
  }

  function takeTrailer(text: string): void {
    pending += text;
    if (pending.length > options.trailer_bytes_max) {
      throw new AwsChunkedError('trailer', 'the trailer is too long');
    }
  }

  function finish(): void {
    if (state !== 'trailer') throw new AwsChunkedError('incomplete', 'the body ends within a chunk');
    if (left_in_body > 0) throw new AwsChunkedError('incomplete', 'there is less data than announced');
    const signed = readTrailers();
    if (options.signatures === undefined || !options.trailer) return;
    const given = trailers.get(TRAILER_SIGNATURE);
    if (given === undefined || !options.signatures.verifyTrailer(given, signed)) {
      throw new AwsChunkedError('signature', 'the signature of the trailer is missing or wrong');
    }
  }

  /**
   * Fills `trailers` and returns the text that is signed. Lines end with CR LF or LF, and empty lines may stand
   * between them: some clients send one before the trailer's signature.
   */
  function readTrailers(): string {
    let signed = '';
    for (const line of pending.split('\n')) {
      const text = line.endsWith('\r') ? line.slice(0, -1) : line;
      if (text === '') continue;
      const match = TRAILER_LINE.exec(text);
      if (match === null || !options.trailer) {
        throw new AwsChunkedError('trailer', 'what follows the last chunk is malformed');
      }
      const [, name = '', value = ''] = match;
      const lower = name.toLowerCase();
      trailers.set(lower, value);
      if (lower !== TRAILER_SIGNATURE) signed += `${lower}:${value}\n`;
    }
    return signed;
  }

  return { push, finish, trailers };
}
