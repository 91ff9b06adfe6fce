import { randomBytes } from 'node:crypto';
import { LIMITS } from '../../../config/limits.js';
import type { Body } from '../../contract/index.js';
import type { Digests, Encoded, EncodeInput, Unchanged } from '../recoded/codec.js';
import { createDigester } from '../recoded/digests.js';
import { spanOf } from '../recoded/frame-span.js';
import { percentLeft } from './deflate.js';
import { countFrames, frameShift, type Layout, REFERENCE_BYTES, referenceOf } from './format.js';
import { compressFrames } from './frames.js';
import { fillBytes, fillMembers, TRAILER_BYTES, tableBytes, tableMember, trailerMember } from './members.js';
import { openBody } from './open-frames.js';
import { type Peeked, peek } from './peek.js';
import type { Spool, SpoolFile } from './spool.js';
import { frameUncompressed } from './uncompressed.js';

export interface EncodeOptions {
  /** Of zlib, 1 to 9; 0: objects are left as they are. */
  readonly level: number;
  /** Smaller objects are left as they are. */
  readonly object_bytes_min: number;
  /** What shrinks less is left as it is. */
  readonly stored_percent_max: number;
  /** A part of at least so many bytes has as many upstream. */
  readonly part_bytes_min: number;
  readonly spool: Spool;
}

/**
 * An object's size upstream has to be told before its first byte, so it is compressed into the spool first. What does not
 * shrink goes up as it came; parts, which cannot, are framed without compression.
 */
export async function encode(options: EncodeOptions, input: EncodeInput): Promise<Encoded | Unchanged> {
  const { kind, size_bytes } = input;
  const { spool, object_bytes_min } = options;
  const is_whole = input.body instanceof Uint8Array;
  const too_small = kind === 'object' && size_bytes < object_bytes_min;
  const too_large = !is_whole && size_bytes > spool.bytes_max;
  if (too_small || too_large) return leave(input, input.body);
  const peeked = await peek(input.body, LIMITS.compression_sample_bytes, input.signal);
  try {
    const shrinks = await doesShrink(options, input, peeked);
    const release = shrinks ? await reserve(spool, input) : undefined;
    if (release !== undefined) return await encodeSpooled(options, { ...input, body: peeked.body }, release);
    const left = leave(input, peeked.body);
    return { ...left, release: peeked.close };
  } catch (error) {
    await peeked.close();
    throw error;
  }
}

function leave(input: EncodeInput, body: Body): Encoded | Unchanged {
  return input.kind === 'object' ? { unchanged: body } : frameUncompressed({ ...input, body });
}

async function reserve(
  spool: Spool,
  { body, size_bytes, signal }: EncodeInput,
): Promise<(() => void) | undefined> {
  // A body that is in memory already needs no room to wait in.
  return body instanceof Uint8Array ? () => undefined : spool.reserve(size_bytes, signal);
}

/** A small body is its own sample: it is compressed once, and looked at afterwards. */
async function doesShrink(
  { level, stored_percent_max }: EncodeOptions,
  { size_bytes }: EncodeInput,
  { sample }: Peeked,
): Promise<boolean> {
  if (size_bytes <= sample.length) return true;
  return (await percentLeft(sample, level)) <= stored_percent_max;
}

async function encodeSpooled(
  options: EncodeOptions,
  input: EncodeInput,
  release: () => void,
): Promise<Encoded | Unchanged> {
  const file = options.spool.begin();
  const close = async (): Promise<void> => {
    await file.close();
    release();
  };
  try {
    const { size_bytes } = input;
    const frame_shift = frameShift(size_bytes);
    const digester = createDigester(input);
    const lengths = await compressFrames(options.level, input, file, (chunk) => digester.add(chunk));
    const digests = digester.end();
    const layout = layoutOf(options, input, file.length, frame_shift);
    const in_vain = layout.stored_bytes > (size_bytes * options.stored_percent_max) / 100;
    if (input.kind === 'object' && in_vain) return await backToPlain(input, file, close);
    const { reference, members } = ending(layout, lengths, digests);
    for (const member of members) await file.write(member);
    const stored = { reference, body: file.read(), size_bytes: layout.stored_bytes };
    return { ...stored, digests_known: true, digests: () => digests, release: close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What began well and did not shrink after all. */
async function backToPlain(
  { size_bytes }: EncodeInput,
  file: SpoolFile,
  release: () => Promise<void>,
): Promise<Unchanged> {
  if (size_bytes === 0) return { unchanged: new Uint8Array(0), release };
  const span = spanOf(2 ** frameShift(size_bytes), size_bytes, { start: 0, end: size_bytes - 1 });
  return { unchanged: await openBody(span, file.read()), release };
}

function layoutOf(
  { part_bytes_min }: EncodeOptions,
  { kind, size_bytes }: EncodeInput,
  frames_bytes: number,
  frame_shift: number,
): Layout {
  const table_bytes = tableBytes(countFrames(size_bytes, frame_shift));
  const bare_bytes = frames_bytes + table_bytes + TRAILER_BYTES;
  const is_full = kind === 'part' && size_bytes >= part_bytes_min;
  const stored_bytes = bare_bytes + (is_full ? fillBytes(part_bytes_min - bare_bytes) : 0);
  return { frame_shift, frames_bytes, table_bytes, stored_bytes };
}

/** What stands behind the frames. */
function ending(layout: Layout, lengths: readonly number[], digests: Digests) {
  const reference = referenceOf(layout, randomBytes(REFERENCE_BYTES));
  const { frames_bytes, table_bytes, stored_bytes } = layout;
  const fill_bytes = stored_bytes - frames_bytes - table_bytes - TRAILER_BYTES;
  const table = table_bytes === 0 ? [] : [tableMember(lengths)];
  return { reference, members: [...fillMembers(fill_bytes), ...table, trailerMember(reference, digests)] };
}
