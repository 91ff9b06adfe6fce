import { LRUCache } from 'lru-cache';
import { LIMITS } from '../../../config/limits.js';
import { isCompressed } from '../../compressed-types.js';
import type { Capabilities, ContentHeaders, ResolvedRange } from '../../contract/index.js';
import {
  type Codec,
  type FetchStored,
  notAsWritten,
  type PieceForm,
  type Sealing,
} from '../recoded/codec.js';
import { spanOf } from '../recoded/frame-span.js';
import { type EncodeOptions, encode } from './encode.js';
import { countFrames, FRAMES_MAX, frameShift, readReference } from './format.js';
import { readTable, readTrailer, storedFrameBytes, TRAILER_BYTES, tableBytes } from './members.js';
import { openBody } from './open-frames.js';

export interface CompressionCodecOptions extends EncodeOptions {
  readonly records_bucket: string;
  /** What seals digests of plaintexts, where what lies below keeps contents secret. */
  readonly sealing?: Sealing;
}

const IN_THE_CLEAR: Sealing = {
  seal: (bytes) => Buffer.from(bytes),
  open: (bytes) => Buffer.from(bytes),
};

/** The reference of a piece tells where its frames and their table lie. */
export function compressionCodec(options: CompressionCodecOptions): Codec {
  const { sealing = IN_THE_CLEAR, records_bucket, level } = options;
  const takes = (headers: ContentHeaders | undefined): boolean => level > 0 && !isCompressed(headers);
  const tables = new LRUCache<string, Float64Array>({
    maxSize: LIMITS.compression_tables_known_bytes,
    sizeCalculation: (table) => table.byteLength,
  });

  const tableOf = async (piece: PieceForm, count: number, fetch: FetchStored): Promise<Float64Array> => {
    const { frames_bytes, table_bytes, stored_bytes } = readReference(piece.reference);
    if (table_bytes !== tableBytes(count)) throw notAsWritten();
    const name = piece.reference.toString('base64');
    const known = tables.get(name);
    if (known !== undefined) return known;
    const end = stored_bytes - TRAILER_BYTES;
    const table = readTable(Buffer.from(await fetch({ start: end - table_bytes, end: end - 1 })), count);
    if (table[count] !== frames_bytes) throw notAsWritten();
    tables.set(name, table);
    return table;
  };

  return {
    names: { mark: 'compression', digests: 'compression-digests', records_bucket },
    sealing: {
      seal: (bytes, context) => sealing.seal(bytes, `compression\0${context}`),
      open: (sealed, context) => sealing.open(sealed, `compression\0${context}`),
    },
    trailer_bytes: TRAILER_BYTES,
    capabilities: capabilitiesOf,
    takes,
    async encode(input) {
      const as_it_is = input.kind === 'object' && !takes(input.headers);
      return as_it_is ? { unchanged: input.body } : encode(options, input);
    },
    openTrailer: readTrailer,
    storedBytes: ({ reference }) => readReference(reference).stored_bytes,
    async locate(piece, range, fetch) {
      const { size_bytes } = piece;
      const { frame_shift, frames_bytes } = readReference(piece.reference);
      const frame_bytes = 2 ** frame_shift;
      const count = countFrames(size_bytes, frame_shift);
      // Sizes in digests that others wrote may be of any height: a table is read into memory.
      if (count > FRAMES_MAX) throw notAsWritten();
      const span = spanOf(frame_bytes, size_bytes, range);
      const { first, last } = span;
      let stored: ResolvedRange = { start: 0, end: frames_bytes - 1 };
      if (first > 0 || last < count - 1) {
        const offsets = await tableOf(piece, count, fetch);
        stored = { start: offsets[first] ?? 0, end: (offsets[last + 1] ?? frames_bytes) - 1 };
      }
      return { stored, open: (body) => openBody(span, body) };
    },
  };
}

/** Of the longest piece of so many bytes: without compression. */
function overheadBytes(size_bytes: number): number {
  const shift = frameShift(size_bytes);
  const count = countFrames(size_bytes, shift);
  const frame_bytes = storedFrameBytes(2 ** shift) - 2 ** shift;
  return count * frame_bytes + tableBytes(count) + TRAILER_BYTES;
}

function capabilitiesOf(below: Capabilities): Capabilities {
  const { part_bytes_max, object_bytes_max, parts_max } = below;
  return {
    ...below,
    // Sums of stored sizes do not tell those of plaintexts.
    usage: false,
    part_bytes_max: part_bytes_max - overheadBytes(part_bytes_max),
    object_bytes_max: object_bytes_max - parts_max * overheadBytes(Math.ceil(object_bytes_max / parts_max)),
  };
}
