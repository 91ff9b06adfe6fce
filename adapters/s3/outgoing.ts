import { createHash } from 'node:crypto';
import { LIMITS } from '../../config/limits.js';
import { CHECKSUM_BYTES, type ChecksumHasher, checksumOf, createChecksum } from '../../src/wire/checksums.js';
import { sha256Hex } from '../../src/wire/sigv4.js';
import {
  type Body,
  type BodyExpectation,
  type ChecksumAlgorithm,
  type ObjectChecksum,
  StoreError,
} from '../contract/index.js';
import { untilAborted } from '../until-aborted.js';

/** A body on its way up, with the headers that describe it. */
export interface Outgoing {
  readonly headers: Readonly<Record<string, string>>;
  readonly payload_hash: string;
  readonly body: Body;
  /** What the caller asked for, where it is known before the body goes: then the body is that one, or does not arrive. */
  readonly known: ObjectChecksum | null;
  /** What was found out of the bytes that went out; complete once the upstream has answered. */
  readonly seen: {
    /** Hex; undefined where nobody needed it. */
    md5?: string;
    checksum: ObjectChecksum | null;
    /** What the caller asked for; the same one, unless the upstream is told another algorithm. */
    asked: ObjectChecksum | null;
    /** Why the body ended early: what the caller's stream threw, or a broken promise. */
    failure?: unknown;
  };
}

export interface OutgoingInput {
  readonly body: Body;
  readonly size_bytes: number;
  readonly expect?: BodyExpectation | undefined;
  /** The checksum that the upstream is told, and verifies; none where it knows none. */
  readonly algorithm: ChecksumAlgorithm | undefined;
  readonly signal?: AbortSignal | undefined;
  /** How long the upstream may take for one piece; then `stalled` is called. */
  readonly stall_ms: number;
  readonly stalled: () => void;
}

/**
 * All promises of the caller are checked before the last bytes leave, so that an upstream which stores what has arrived
 * whole never stores what was not promised. The bytes are protected on their way by a digest: of a body in memory by the
 * signature, else by a checksum in a trailer or, where the upstream knows none, by the ETag of the answer.
 */
export async function prepareBody(input: OutgoingInput): Promise<Outgoing> {
  const { body, size_bytes } = input;
  if (body instanceof Uint8Array) return wholeBody(input, body);
  if (size_bytes <= LIMITS.upstream_whole_body_bytes_max) return wholeBody(input, await collect(input, body));
  return input.algorithm === undefined
    ? plainStream(input, body)
    : chunkedStream(input, body, input.algorithm);
}

/** Of a stream: a value in a trailer comes with its end. */
function promisedBefore({ checksum }: BodyExpectation = {}): ObjectChecksum | null {
  return toChecksum(checksum?.algorithm, checksum?.value?.());
}

async function collect(input: OutgoingInput, body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafe(input.size_bytes);
  let at = 0;
  for await (const chunk of untilAborted(body, input.signal)) {
    if (at + chunk.length > bytes.length) throw sizeMismatch(input.size_bytes);
    bytes.set(chunk, at);
    at += chunk.length;
  }
  if (at !== bytes.length) throw sizeMismatch(input.size_bytes);
  return bytes;
}

function wholeBody(input: OutgoingInput, bytes: Uint8Array): Outgoing {
  const { algorithm, expect = {} } = input;
  if (bytes.length !== input.size_bytes) throw sizeMismatch(input.size_bytes);
  const md5 = createHash('md5').update(bytes).digest('hex');
  const sha256 = sha256Hex(bytes);
  const value = algorithm === undefined ? undefined : checksumOf(algorithm, bytes).toString('base64');
  const other = otherAlgorithm(input);
  const asked = other === undefined ? value : checksumOf(other, bytes).toString('base64');
  keepPromises(expect, { md5, sha256, asked });
  const known = toChecksum(expect.checksum?.algorithm, asked);
  return {
    headers: {
      'content-length': String(bytes.length),
      ...(value === undefined ? {} : { [checksumHeader(algorithm)]: value }),
    },
    payload_hash: sha256,
    body: bytes,
    known,
    seen: { md5, checksum: toChecksum(algorithm, value), asked: known },
  };
}

/** What the caller asked for, where the upstream is told another one. */
function otherAlgorithm({ algorithm, expect }: OutgoingInput): ChecksumAlgorithm | undefined {
  return expect?.checksum?.algorithm === algorithm ? undefined : expect?.checksum?.algorithm;
}

interface Promised {
  readonly md5: string | undefined;
  readonly sha256: string | undefined;
  /** By the algorithm that the caller named. */
  readonly asked: string | undefined;
}

interface Digests extends Promised {
  /** By the algorithm that the upstream is told. */
  readonly checksum: string | undefined;
}

function keepPromises(expect: BodyExpectation, seen: Promised): void {
  const promised = expect.checksum?.value?.();
  if (expect.md5 !== undefined && expect.md5 !== seen.md5) throw mismatch('md5');
  if (expect.sha256 !== undefined && expect.sha256 !== seen.sha256) throw mismatch('sha256');
  if (promised !== undefined && promised !== seen.asked) throw mismatch(expect.checksum?.algorithm ?? '');
}

function mismatch(algorithm: string): StoreError {
  return new StoreError('digest_mismatch', `the body does not match its ${algorithm}`, {
    subject: 'body',
    detail: { algorithm },
  });
}

function sizeMismatch(size_bytes: number): StoreError {
  return new StoreError('digest_mismatch', `the body does not have its ${size_bytes} bytes`, {
    subject: 'body',
    detail: { algorithm: 'size', size_bytes },
  });
}

function checksumHeader(algorithm: ChecksumAlgorithm | undefined): string {
  return `x-amz-checksum-${String(algorithm).toLowerCase()}`;
}

function toChecksum(
  algorithm: ChecksumAlgorithm | undefined,
  value: string | undefined,
): ObjectChecksum | null {
  if (algorithm === undefined || value === undefined) return null;
  return { algorithm, value, type: 'FULL_OBJECT' };
}

/** Hashes what passes by, as far as somebody needs it. */
function createWitness(input: OutgoingInput) {
  const { expect = {}, algorithm } = input;
  const md5 = expect.md5 !== undefined || algorithm === undefined ? createHash('md5') : undefined;
  const sha256 = expect.sha256 === undefined ? undefined : createHash('sha256');
  const hasher: ChecksumHasher | undefined = algorithm === undefined ? undefined : createChecksum(algorithm);
  const other = otherAlgorithm(input);
  const other_hasher = other === undefined ? undefined : createChecksum(other);
  return {
    update(bytes: Uint8Array) {
      md5?.update(bytes);
      sha256?.update(bytes);
      hasher?.update(bytes);
      other_hasher?.update(bytes);
    },
    digest(): Digests {
      const checksum = hasher?.digest().toString('base64');
      return {
        md5: md5?.digest('hex'),
        sha256: sha256?.digest('hex'),
        checksum,
        asked: other_hasher === undefined ? checksum : other_hasher.digest().toString('base64'),
      };
    },
  };
}

/** For upstreams without checksums: digests that are known beforehand go along, the others are checked by the ETag. */
function plainStream(input: OutgoingInput, body: AsyncIterable<Uint8Array>): Outgoing {
  const seen: Outgoing['seen'] = { checksum: null, asked: null };
  const { md5, sha256 } = input.expect ?? {};
  return {
    headers: {
      'content-length': String(input.size_bytes),
      ...(md5 === undefined ? {} : { 'content-md5': Buffer.from(md5, 'hex').toString('base64') }),
    },
    payload_hash: sha256 ?? 'UNSIGNED-PAYLOAD',
    body: guardedPieces(input, body, seen, { before: 0, after: 0 }, (piece) => piece),
    known: promisedBefore(input.expect),
    seen,
  };
}

const LINE_END = '\r\n';

/** S3 API reference, "Transferring Payload in Multiple Chunks": frames of one size, so that the length is known. */
function chunkedStream(
  input: OutgoingInput,
  body: AsyncIterable<Uint8Array>,
  algorithm: ChecksumAlgorithm,
): Outgoing {
  const seen: Outgoing['seen'] = { checksum: null, asked: null };
  const frame = (piece: Buffer, value: string | undefined) => {
    const header = frameHeader(piece.length - FRAME_ROOM.before - FRAME_ROOM.after);
    const start = FRAME_ROOM.before - header.length;
    piece.write(header, start, 'latin1');
    piece.write(LINE_END, piece.length - LINE_END.length, 'latin1');
    const framed = piece.subarray(start);
    if (value === undefined) return framed;
    return Buffer.concat([
      framed,
      Buffer.from(`0\r\n${checksumHeader(algorithm)}:${value}\r\n\r\n`, 'latin1'),
    ]);
  };
  return {
    headers: {
      'content-encoding': 'aws-chunked',
      'content-length': String(chunkedLength(input.size_bytes, algorithm)),
      'x-amz-decoded-content-length': String(input.size_bytes),
      'x-amz-trailer': checksumHeader(algorithm),
    },
    payload_hash: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
    body: guardedPieces(input, body, seen, FRAME_ROOM, frame),
    known: promisedBefore(input.expect),
    seen,
  };
}

const frameHeader = (size_bytes: number): string => `${size_bytes.toString(16)}\r\n`;
const FRAME_ROOM: Room = {
  before: frameHeader(LIMITS.upstream_frame_bytes).length,
  after: LINE_END.length,
};

function chunkedLength(size_bytes: number, algorithm: ChecksumAlgorithm): number {
  const frameLength = (bytes: number) => frameHeader(bytes).length + bytes + LINE_END.length;
  const full = Math.floor(size_bytes / LIMITS.upstream_frame_bytes);
  const rest = size_bytes % LIMITS.upstream_frame_bytes;
  const value_length = Math.ceil(CHECKSUM_BYTES[algorithm] / 3) * 4;
  return (
    full * frameLength(LIMITS.upstream_frame_bytes) +
    (rest === 0 ? 0 : frameLength(rest)) +
    `0\r\n${checksumHeader(algorithm)}:\r\n\r\n`.length +
    value_length
  );
}

/** Bytes that are left free around each piece, so that framing it copies nothing. */
interface Room {
  readonly before: number;
  readonly after: number;
}

/**
 * Cuts the body into pieces of our own memory (chunks are lent, and the transport keeps what it was given), each with
 * some room. The last one is kept back until every promise holds; `encode` gets it with the checksum.
 */
async function* guardedPieces(
  input: OutgoingInput,
  body: AsyncIterable<Uint8Array>,
  seen: Outgoing['seen'],
  room: Room,
  encode: (piece: Buffer, checksum: string | undefined) => Buffer,
): AsyncGenerator<Uint8Array> {
  const witness = createWitness(input);
  const watch = createStallWatch(input);
  let left = input.size_bytes;
  // Two in turns: when the transport asks for a piece, the one before the last has left. New memory for each is what the
  // garbage collector counts, and goes over the whole heap for every few dozen MiB.
  const nextPiece = (used?: Buffer) =>
    used !== undefined && left >= LIMITS.upstream_frame_bytes
      ? used
      : Buffer.allocUnsafeSlow(room.before + Math.min(left, LIMITS.upstream_frame_bytes) + room.after);
  let piece = nextPiece();
  let before: Buffer | undefined;
  let filled = room.before;
  try {
    for await (const chunk of untilAborted(body, input.signal)) {
      if (chunk.length > left) throw sizeMismatch(input.size_bytes);
      for (let at = 0; at < chunk.length; ) {
        const taken = Math.min(piece.length - room.after - filled, chunk.length - at);
        piece.set(chunk.subarray(at, at + taken), filled);
        [at, filled, left] = [at + taken, filled + taken, left - taken];
        if (filled < piece.length - room.after || left === 0) continue;
        witness.update(piece.subarray(room.before, filled));
        watch.start();
        yield encode(piece, undefined);
        watch.stop();
        [piece, before] = [nextPiece(before), piece];
        filled = room.before;
      }
    }
    if (left > 0) throw sizeMismatch(input.size_bytes);
    witness.update(piece.subarray(room.before, filled));
    const digests = witness.digest();
    keepPromises(input.expect ?? {}, digests);
    if (digests.md5 !== undefined) seen.md5 = digests.md5;
    seen.checksum = toChecksum(input.algorithm, digests.checksum);
    seen.asked = toChecksum(input.expect?.checksum?.algorithm, digests.asked);
    watch.start();
    yield encode(piece, digests.checksum);
  } catch (error) {
    seen.failure = error;
    throw error;
  } finally {
    watch.stop();
  }
}

/** The transport's own timeouts cover answers only. */
function createStallWatch({ stall_ms, stalled }: OutgoingInput) {
  let timer: NodeJS.Timeout | undefined;
  return {
    start() {
      timer = setTimeout(stalled, stall_ms);
    },
    stop() {
      clearTimeout(timer);
    },
  };
}
