import { createHash } from 'node:crypto';
import { createChecksum } from '../../../src/wire/checksums.js';
import { type Body, type BodyExpectation, type ChecksumAlgorithm, StoreError } from '../../contract/index.js';
import { fillBytes, frameBytes, type PieceKind, storedBytes } from './format.js';
import { type KeyReference, type Keys, startFrame } from './keys.js';
import { type Digests, sealTrailer } from './trailer.js';

export interface SealInput {
  readonly kind: PieceKind;
  readonly body: Body;
  readonly size_bytes: number;
  readonly expect?: BodyExpectation | undefined;
  readonly algorithm: ChecksumAlgorithm;
}

export interface Sealed {
  readonly reference: KeyReference;
  /** As it goes upstream. */
  readonly body: Body;
  readonly size_bytes: number;
  /** Of the plaintext; known when the body has ended. */
  digests(): Digests;
}

/** A body that breaks a promise fails with `digest_mismatch`, before its last bytes go upstream. */
export function seal(keys: Keys, input: SealInput): Sealed {
  const reference = keys.newReference();
  const sealer = createSealer(keys.keyOf(reference), reference, input);
  const { body } = input;
  return {
    reference,
    body:
      body instanceof Uint8Array
        ? Buffer.concat([...sealer.add(body), ...sealer.end()])
        : streamed(body, sealer),
    size_bytes: storedBytes(input.kind, input.size_bytes),
    digests: () => sealer.digests(),
  };
}

async function* streamed(body: AsyncIterable<Uint8Array>, sealer: Sealer): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) yield* sealer.add(chunk);
  yield* sealer.end();
}

interface Sealer {
  add(chunk: Uint8Array): Generator<Buffer>;
  end(): Generator<Buffer>;
  digests(): Digests;
}

function createSealer(key: Buffer, reference: KeyReference, input: SealInput): Sealer {
  const { kind, size_bytes } = input;
  const frame_bytes = frameBytes(kind, size_bytes);
  const hashers = createHashers(input.algorithm);
  let received_bytes = 0;
  let cipher = startFrame(key, 0);
  let frames = 0;
  let in_frame_bytes = 0;
  let digests: Digests | undefined;

  function* endFrame(): Generator<Buffer> {
    cipher.final();
    yield cipher.getAuthTag();
    frames += 1;
    in_frame_bytes = 0;
    cipher = startFrame(key, frames);
  }

  return {
    *add(chunk) {
      received_bytes += chunk.length;
      if (received_bytes > size_bytes) throw mismatch('size', size_bytes, received_bytes);
      hashers.update(chunk);
      for (let at = 0; at < chunk.length; ) {
        const piece = chunk.subarray(at, at + frame_bytes - in_frame_bytes);
        at += piece.length;
        in_frame_bytes += piece.length;
        yield cipher.update(piece);
        if (in_frame_bytes === frame_bytes) yield* endFrame();
      }
    },
    *end() {
      if (received_bytes !== size_bytes) throw mismatch('size', size_bytes, received_bytes);
      digests = { size_bytes, algorithm: input.algorithm, ...hashers.digest() };
      requireDigests(digests, input.expect);
      if (in_frame_bytes > 0) yield* endFrame();
      const fill_bytes = fillBytes(kind, size_bytes);
      if (fill_bytes > 0) yield Buffer.alloc(fill_bytes);
      yield sealTrailer(key, reference, digests);
    },
    digests() {
      if (digests === undefined) throw new Error('the body has not ended');
      return digests;
    },
  };
}

function createHashers(algorithm: ChecksumAlgorithm) {
  const md5 = createHash('md5');
  const sha256 = createHash('sha256');
  const checksum = algorithm === 'SHA256' ? undefined : createChecksum(algorithm);
  return {
    update(chunk: Uint8Array) {
      md5.update(chunk);
      sha256.update(chunk);
      checksum?.update(chunk);
    },
    digest() {
      const whole = sha256.digest();
      return { md5: md5.digest(), sha256: whole, checksum: checksum?.digest() ?? whole };
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
