import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Body } from '../../contract/index.js';

/** A seedable generator of numbers in [0, 1): mulberry32, so that a failing run can be repeated from its seed. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** An integer in [from, to]. */
export function integerBetween(random: () => number, from: number, to: number): number {
  return from + Math.floor(random() * (to - from + 1));
}

/** Incompressible bytes that are the same for the same seed and size (xorshift32: 5 MiB take a few milliseconds). */
export function bytesOf(seed: number, size_bytes: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(size_bytes / 4));
  let word = (Math.imul(seed + 1, 0x9e3779b1) ^ size_bytes) >>> 0 || 1;
  for (let i = 0; i < words.length; i++) {
    word ^= word << 13;
    word ^= word >>> 17;
    word ^= word << 5;
    words[i] = word;
  }
  return new Uint8Array(words.buffer, 0, size_bytes);
}

/** Text that shrinks to half of its size when it is compressed, and differs everywhere all the same. */
export function hexTextOf(seed: number, size_bytes: number): Uint8Array {
  const text = Buffer.from(bytesOf(seed, Math.ceil(size_bytes / 2))).toString('hex');
  return utf8(text.slice(0, size_bytes));
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The bytes in chunks whose sizes go round and round; a size of 0 gives an empty chunk, which is legal in a stream. */
export async function* streamOf(
  bytes: Uint8Array,
  chunk_bytes: readonly number[] = [65_536],
): AsyncGenerator<Uint8Array> {
  let turn = 0;
  for (let at = 0; at < bytes.length; ) {
    const size_bytes = chunk_bytes[turn++ % chunk_bytes.length] ?? 1;
    yield bytes.subarray(at, at + size_bytes);
    at += size_bytes;
  }
}

/** One buffer, filled anew for every chunk: what a reader sees that keeps a lent chunk is spoilt. */
export async function* reusingStreamOf(bytes: Uint8Array, chunk_bytes: number): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(chunk_bytes);
  for (let at = 0; at < bytes.length; at += chunk_bytes) {
    const chunk = bytes.subarray(at, at + chunk_bytes);
    buffer.set(chunk);
    yield buffer.subarray(0, chunk.length);
    buffer.fill(0xee);
  }
}

/**
 * Each chunk in memory of its own, which is spoilt and freed when the next one is asked for. The next comes a turn later,
 * so that work which still goes on with the one before meets that.
 */
export async function* freedStreamOf(
  bytes: Uint8Array,
  chunk_bytes: readonly number[],
): AsyncGenerator<Uint8Array> {
  for await (const chunk of streamOf(bytes, chunk_bytes)) {
    const lent = new Uint8Array(chunk);
    yield lent;
    lent.fill(0xee);
    structuredClone(lent.buffer, { transfer: [lent.buffer] });
    await nextTurn();
  }
}

/** The bytes, then an error in place of an end. */
export async function* failingStreamOf(bytes: Uint8Array, error: Error): AsyncGenerator<Uint8Array> {
  yield* streamOf(bytes, [10_007]);
  throw error;
}

/** Yields the bytes, and then nothing more until `gate` resolves. */
export async function* gatedStreamOf(
  first: Uint8Array,
  gate: Promise<unknown>,
  rest: Uint8Array,
  reached: () => void = () => undefined,
): AsyncGenerator<Uint8Array> {
  yield first;
  reached();
  await gate;
  yield rest;
}

/** Zeros without end, and whether their reader has let go of them. */
export function endlessStream(): { readonly body: AsyncGenerator<Uint8Array>; isReleased(): boolean } {
  let released = false;
  async function* zeros(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) yield new Uint8Array(65_536);
    } finally {
      released = true;
    }
  }
  return { body: zeros(), isReleased: () => released };
}

/** Everything, copied chunk by chunk because chunks are lent. */
export async function readAll(body: Body): Promise<Buffer> {
  if (body instanceof Uint8Array) return Buffer.from(body);
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

/** Says where two byte strings part, instead of printing megabytes. Null when they are equal. */
export function difference(actual: Uint8Array, expected: Uint8Array): string | null {
  if (actual.length !== expected.length) return `${actual.length} bytes instead of ${expected.length}`;
  if (Buffer.compare(actual, expected) === 0) return null;
  const at = actual.findIndex((byte, index) => byte !== expected[index]);
  return `differs from byte ${at} on`;
}

export interface Gate {
  readonly opened: Promise<void>;
  open(): void;
}

export function createGate(): Gate {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}
