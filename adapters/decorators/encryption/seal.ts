import type { Digests, Encoded, EncodeInput } from '../recoded/codec.js';
import { createDigester } from '../recoded/digests.js';
import { fillBytes, frameBytes, storedBytes } from './format.js';
import { type KeyReference, type Keys, startFrame } from './keys.js';
import { sealTrailer } from './trailer.js';

/** A body that breaks a promise fails with `digest_mismatch`, before its last bytes go upstream. */
export function seal(keys: Keys, input: EncodeInput): Encoded {
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
    digests_known: body instanceof Uint8Array,
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

function createSealer(key: Buffer, reference: KeyReference, input: EncodeInput): Sealer {
  const { kind, size_bytes } = input;
  const frame_bytes = frameBytes(kind, size_bytes);
  const digester = createDigester(input);
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
      digester.add(chunk);
      for (let at = 0; at < chunk.length; ) {
        const piece = chunk.subarray(at, at + frame_bytes - in_frame_bytes);
        at += piece.length;
        in_frame_bytes += piece.length;
        yield cipher.update(piece);
        if (in_frame_bytes === frame_bytes) yield* endFrame();
      }
    },
    *end() {
      digests = digester.end();
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
