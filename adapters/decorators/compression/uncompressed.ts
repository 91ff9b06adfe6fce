import { randomBytes } from 'node:crypto';
import type { Digests, Encoded, EncodeInput } from '../recoded/codec.js';
import { createDigester } from '../recoded/digests.js';
import { countFrames, frameShift, REFERENCE_BYTES, referenceOf } from './format.js';
import { framesOf } from './frames.js';
import {
  storedFrameBytes,
  storedFrameMember,
  TRAILER_BYTES,
  tableBytes,
  tableMember,
  trailerMember,
} from './members.js';

/** The stored size of frames without compression is known beforehand, so that nothing waits in the spool. */
export function frameUncompressed(input: EncodeInput): Encoded {
  const { size_bytes } = input;
  const frame_shift = frameShift(size_bytes);
  const frame_bytes = 2 ** frame_shift;
  const count = countFrames(size_bytes, frame_shift);
  const lengths = Array.from({ length: count }, (_, index) =>
    storedFrameBytes(Math.min(frame_bytes, size_bytes - index * frame_bytes)),
  );
  const frames_bytes = lengths.reduce((sum, length) => sum + length, 0);
  const table_bytes = tableBytes(count);
  const stored_bytes = frames_bytes + table_bytes + TRAILER_BYTES;
  const layout = { frame_shift, frames_bytes, table_bytes, stored_bytes };
  const reference = referenceOf(layout, randomBytes(REFERENCE_BYTES));
  let digests: Digests | undefined;

  async function* members(): AsyncGenerator<Uint8Array> {
    const digester = createDigester(input);
    let index = 0;
    for await (const frame of framesOf(input.body, size_bytes, (chunk) => digester.add(chunk))) {
      yield storedFrameMember(index, frame);
      index += 1;
    }
    digests = digester.end();
    if (table_bytes > 0) yield tableMember(lengths);
    yield trailerMember(reference, digests);
  }

  return {
    reference,
    body: members(),
    size_bytes: stored_bytes,
    digests_known: false,
    digests() {
      if (digests === undefined) throw new Error('the body has not ended');
      return digests;
    },
  };
}
