import type { Adapter, Body } from '../contract/index.js';
import { forwarding } from '../forwarding.js';
import { createFairBucket, type FairBucket, type Flow } from './fair-bucket.js';

/** Of 10^6 bits: what network links are measured in. */
const BYTES_PER_MEGABIT = 1_000_000 / 8;

/** Several adapters may share one. */
export type Bandwidth = FairBucket;

/** `limit_mbps` is in megabits a second: 100 are 12.5 million bytes. */
export function createBandwidth(limit_mbps: number): Bandwidth {
  return createFairBucket(limit_mbps * BYTES_PER_MEGABIT);
}

/** A body, slowed down. */
export type Pace = (body: Body, signal: AbortSignal | undefined) => Promise<Body>;

/** Each body is a transfer with its fair share. */
export function paceOf(bandwidth: Bandwidth): Pace {
  return (body, signal) => paced(body, bandwidth, signal);
}

/**
 * Bodies in both directions pass at the rate of one bucket. For adapters that move no other bytes than those of their
 * callers; one over a network paces its bodies itself, so that copies through it and verifications count too.
 */
export function limitBandwidth(inner: Adapter, bandwidth: Bandwidth): Adapter {
  const pace = paceOf(bandwidth);
  const paceUpload = async <Input extends { readonly body: Body; readonly signal?: AbortSignal | undefined }>(
    input: Input,
  ): Promise<Input> => {
    input.signal?.throwIfAborted();
    return { ...input, body: await pace(input.body, input.signal) };
  };
  return {
    ...forwarding(inner),
    putObject: async (input) => inner.putObject(await paceUpload(input)),
    uploadPart: async (input) => inner.uploadPart(await paceUpload(input)),
    getObject: async (input) => {
      const result = await inner.getObject(input);
      return { ...result, body: await pace(result.body, input.signal) };
    },
  };
}

async function paced(body: Body, bandwidth: Bandwidth, signal: AbortSignal | undefined): Promise<Body> {
  const flow = bandwidth.flow();
  if (!(body instanceof Uint8Array)) return pacedStream(body, flow, bandwidth.chunk_bytes_max, signal);
  const turn = flow.take(body.length, signal);
  if (turn !== undefined) await turn;
  return body;
}

async function* pacedStream(
  body: AsyncIterable<Uint8Array>,
  flow: Flow,
  chunk_bytes_max: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    for (let at = 0; at < chunk.length; at += chunk_bytes_max) {
      const piece = chunk.length <= chunk_bytes_max ? chunk : chunk.subarray(at, at + chunk_bytes_max);
      const turn = flow.take(piece.length, signal);
      if (turn !== undefined) await turn;
      yield piece;
    }
  }
}
