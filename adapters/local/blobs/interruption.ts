import type { Body } from '../../contract/index.js';

/** One place where everything that ends an upload early comes together: an abort, a failed write, a failed hash. */
export interface Interruption {
  /** Throws what interrupted the work, if anything did. */
  check(): void;
  interrupt(error: unknown): void;
  /** The promise's outcome, or the interruption if that comes first. One wait at a time. */
  race<T>(promise: Promise<T>): Promise<T>;
  /** Lets go of the signal. */
  dispose(): void;
}

export function createInterruption(signal: AbortSignal | undefined): Interruption {
  let cause: { readonly error: unknown } | undefined;
  let rejectWait: ((error: unknown) => void) | undefined;

  const interrupt = (error: unknown) => {
    if (cause !== undefined) return;
    cause = { error };
    rejectWait?.(error);
  };
  const abort = () => interrupt(signal?.reason);
  if (signal?.aborted) abort();
  else signal?.addEventListener('abort', abort, { once: true });

  return {
    check() {
      if (cause !== undefined) throw cause.error;
    },
    interrupt,
    race(promise) {
      return new Promise((resolve, reject) => {
        rejectWait = reject;
        if (cause !== undefined) reject(cause.error);
        promise.then(resolve, reject);
      });
    },
    dispose() {
      signal?.removeEventListener('abort', abort);
    },
  };
}

/** Hands over each chunk of a body; the body is released when `take` throws or the work is interrupted. */
export async function forEachChunk(
  body: Body,
  interruption: Interruption,
  take: (chunk: Uint8Array) => Promise<void> | undefined,
  awaitingChunk?: () => () => void,
): Promise<void> {
  interruption.check();
  if (body instanceof Uint8Array) {
    await take(body);
    return;
  }
  const iterator = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const arrived = awaitingChunk?.();
      const result = await interruption.race(iterator.next());
      arrived?.();
      if (result.done) return;
      const taking = take(result.value);
      if (taking !== undefined) await taking;
    }
  } catch (error) {
    // Not awaited: a generator in the middle of a read answers only when its source does. The first error counts.
    Promise.resolve(iterator.return?.()).catch(() => undefined);
    throw error;
  }
}
