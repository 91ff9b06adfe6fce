import { promisify } from 'node:util';
import { deflateRaw, inflateRaw, inflateRawSync, type ZlibOptions, constants as zlib } from 'node:zlib';
import { LIMITS } from '../../../config/limits.js';
import { createLimiter } from '../../limiter.js';
import { notAsWritten } from '../recoded/codec.js';
import { frameMember, storedFrameBytes, storedFrameMember } from './members.js';

const deflate = promisify<Uint8Array, ZlibOptions, Buffer>(deflateRaw);
const inflate = promisify<Uint8Array, ZlibOptions, Buffer>(inflateRaw);
/** Both hold threads of the pool that files and the index of a local adapter need too; reads do not wait behind writes. */
const deflating = createLimiter(LIMITS.compressions_at_once);
const inflating = createLimiter(LIMITS.decompressions_at_once);

const CHUNK_BYTES = 64 * 1024;

/** A frame's member; `plain` must stay untouched until it resolves. */
export async function deflateFrame(index: number, plain: Uint8Array, level: number): Promise<Buffer> {
  const deflated = await deflating(() => deflate(plain, { level, chunkSize: CHUNK_BYTES }));
  const member = frameMember(index, plain, [deflated]);
  return member.length < storedFrameBytes(plain.length) ? member : storedFrameMember(index, plain);
}

/** What is left of a sample, in percent. */
export async function percentLeft(sample: Uint8Array, level: number): Promise<number> {
  if (sample.length === 0) return 100;
  return ((await deflating(() => deflate(sample, { level }))).length / sample.length) * 100;
}

/** Never more than `size_bytes` of memory, whatever the bytes would grow to. Fails with `corrupt`. */
export async function inflateFrame(deflated: Uint8Array, size_bytes: number): Promise<Buffer> {
  const options = { maxOutputLength: size_bytes, chunkSize: Math.max(zlib.Z_MIN_CHUNK, size_bytes) };
  try {
    if (size_bytes <= CHUNK_BYTES) return inflateRawSync(deflated, options);
    return await inflating(() => inflate(deflated, options));
  } catch {
    throw notAsWritten();
  }
}
