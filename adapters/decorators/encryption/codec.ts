import { CHECKSUM_ALGORITHMS } from '../../../src/wire/checksums.js';
import { type Capabilities, StoreError } from '../../contract/index.js';
import { type Codec, DEFAULT_CHECKSUM } from '../recoded/codec.js';
import { spanOf } from '../recoded/frame-span.js';
import {
  frameBytes,
  PART_EXTRA_BYTES,
  partsOfEtag,
  plainBytes,
  plainBytesMax,
  storedBytes,
  TRAILER_BYTES,
} from './format.js';
import type { Keys } from './keys.js';
import { openFrames, openWhole, storedRange } from './open-frames.js';
import { seal } from './seal.js';
import { openTrailer } from './trailer.js';

/** The reference of a piece names its key. What is not encrypted is refused, so that nobody can slip it in. */
export function encryptionCodec(keys: Keys, records_bucket: string): Codec {
  return {
    names: { mark: 'encryption', digests: 'encryption-digests', records_bucket },
    sealing: { seal: keys.sealBytes, open: keys.openBytes },
    trailer_bytes: TRAILER_BYTES,
    capabilities: capabilitiesOf,
    takes: () => true,
    encode: async (input) => seal(keys, input),
    openTrailer: (stored) => openTrailer(keys, stored),
    storedBytes: ({ kind, size_bytes }) => storedBytes(kind, size_bytes),
    locate({ kind, reference, size_bytes }, range) {
      const span = spanOf(frameBytes(kind, size_bytes), size_bytes, range);
      const key = keys.keyOf(reference);
      return {
        stored: storedRange(span),
        open: (body) =>
          body instanceof Uint8Array ? openWhole(key, span, body) : openFrames(key, span, body),
      };
    },
    sizeOf: ({ size_bytes, etag }) => plainBytes(size_bytes, partsOfEtag(etag)) ?? size_bytes,
    refuseUnmarked: () =>
      new StoreError('corrupt', 'the object was not encrypted by this node', {
        detail: { reason: 'not_encrypted' },
      }),
  };
}

function capabilitiesOf(below: Capabilities): Capabilities {
  return {
    ...below,
    // They lie in the trailers of pieces, whatever the upstream keeps.
    checksums: CHECKSUM_ALGORITHMS,
    default_checksum: below.default_checksum ?? DEFAULT_CHECKSUM,
    // Sums of stored sizes do not tell those of plaintexts.
    usage: false,
    part_bytes_max: below.part_bytes_max - PART_EXTRA_BYTES,
    put_bytes_max: plainBytesMax(below.put_bytes_max),
    object_bytes_max: below.object_bytes_max - below.parts_max * PART_EXTRA_BYTES,
  };
}
