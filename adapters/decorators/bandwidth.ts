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

/** Bodies in both directions pass at the rate of one bucket, each transfer with its fair share. */
export function limitBandwidth(inner: Adapter, bandwidth: Bandwidth): Adapter {
  const paceUpload = async <Input extends { readonly body: Body; readonly signal?: AbortSignal | undefined }>(
    input: Input,
  ): Promise<Input> => {
    input.signal?.throwIfAborted();
    return { ...input, body: await paced(input.body, bandwidth.flow(), input.signal) };
  };
  return {
    ...forwarding(inner),
    putObject: async (input) => inner.putObject(await paceUpload(input)),
    uploadPart: async (input) => inner.uploadPart(await paceUpload(input)),
    getObject: async (input) => {
      const result = await inner.getObject(input);
      return { ...result, body: await paced(result.body, bandwidth.flow(), input.signal) };
    },
  };
}

async function paced(body: Body, flow: Flow, signal: AbortSignal | undefined): Promise<Body> {
  if (!(body instanceof Uint8Array)) return pacedStream(body, flow, signal);
  const turn = flow.take(body.length, signal);
  if (turn !== undefined) await turn;
  return body;
}

async function* pacedStream(
  body: AsyncIterable<Uint8Array>,
  flow: Flow,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    const turn = flow.take(chunk.length, signal);
    if (turn !== undefined) await turn;
    yield chunk;
  }
}
