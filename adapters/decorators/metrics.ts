import { type Adapter, type Body, type ErrorKind, isStoreError } from '../contract/index.js';
import { aroundCalls, type Method } from './around.js';

/** `aborted`: by the caller's signal; `caller`: the caller's own body failed. */
export type CallResult = 'ok' | ErrorKind | 'aborted' | 'caller';

export interface CallRecord {
  readonly adapter: string;
  readonly method: Method;
  readonly result: CallResult;
  /** Until the call's own answer; the body that it may carry comes after it. */
  readonly duration_ms: number;
  /** Of bodies that the adapter took. */
  readonly in_bytes: number;
}

/** Told of each body that was read, at its end or where the reader left it. */
export interface BodyRecord {
  readonly adapter: string;
  readonly method: Method;
  readonly result: CallResult;
  readonly out_bytes: number;
}

export interface CallObserver {
  onCall(call: CallRecord): void;
  onBody(body: BodyRecord): void;
}

/** Tells the observer what was asked of the adapter, and how it went. */
export function measure(inner: Adapter, observer: CallObserver): Adapter {
  const adapter = inner.name;
  return aroundCalls(inner, async (method, given, run) => {
    const started_at_ms = performance.now();
    const counter = countUpload(given);
    const onCall = (result: CallResult): void =>
      observer.onCall({
        adapter,
        method,
        result,
        duration_ms: performance.now() - started_at_ms,
        in_bytes: counter.bytes,
      });
    try {
      const result = await run(counter.input);
      onCall('ok');
      const body = (result as { readonly body?: Body } | undefined)?.body;
      if (body === undefined) return result;
      const onBody = (outcome: CallResult, out_bytes: number): void =>
        observer.onBody({ adapter, method, result: outcome, out_bytes });
      return { ...result, body: countDownload(body, given.signal, onBody) };
    } catch (error) {
      onCall(resultOf(error, given.signal));
      throw error;
    }
  });
}

function resultOf(error: unknown, signal: AbortSignal | undefined): CallResult {
  if (isStoreError(error)) return error.kind;
  return signal?.aborted === true ? 'aborted' : 'caller';
}

function countUpload<Input>(given: Input): { readonly input: Input; readonly bytes: number } {
  const { body } = given as { readonly body?: Body };
  if (body === undefined) return { input: given, bytes: 0 };
  if (body instanceof Uint8Array) return { input: given, bytes: body.length };
  const counter = { input: given, bytes: 0 };
  async function* counted(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      counter.bytes += chunk.length;
      yield chunk;
    }
  }
  counter.input = { ...given, body: counted(body) };
  return counter;
}

function countDownload(
  body: Body,
  signal: AbortSignal | undefined,
  onBody: (result: CallResult, out_bytes: number) => void,
): Body {
  if (!(body instanceof Uint8Array)) return countedStream(body, signal, onBody);
  onBody('ok', body.length);
  return body;
}

async function* countedStream(
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
  onBody: (result: CallResult, out_bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  let out_bytes = 0;
  // A reader that leaves before the end makes the generator return without an error.
  let result: CallResult = 'aborted';
  try {
    for await (const chunk of body) {
      out_bytes += chunk.length;
      yield chunk;
    }
    result = 'ok';
  } catch (error) {
    result = resultOf(error, signal);
    throw error;
  } finally {
    onBody(result, out_bytes);
  }
}
