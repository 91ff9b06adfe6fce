/** What a piece of shared work may do with all who wait for it. */
export interface Shared {
  /** Aborts when nobody waits any more. */
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
  /** False once `forget` was called: what was read may be older than what was written since. */
  isCurrent(): boolean;
}

export interface Coalescer<Result> {
  /** The result of the work under that key: begun by the first, awaited by all who come before it is done. */
  join(
    key: string,
    signal: AbortSignal | undefined,
    begin: (shared: Shared) => Promise<Result>,
  ): Promise<Result>;
  /** Whoever comes from now on begins anew. */
  forget(key: string): void;
  forgetAll(prefix: string): void;
}

interface Flight<Result> {
  readonly controller: AbortController;
  result: Promise<Result>;
  waiting: number;
}

export function createCoalescer<Result>(): Coalescer<Result> {
  const flights = new Map<string, Flight<Result>>();

  const start = (key: string, begin: (shared: Shared) => Promise<Result>): Flight<Result> => {
    const controller = new AbortController();
    const shared: Shared = {
      signal: controller.signal,
      abort: (reason) => controller.abort(reason),
      isCurrent: () => flights.get(key) === flight,
    };
    const flight: Flight<Result> = {
      controller,
      result: Promise.resolve().then(() => begin(shared)),
      waiting: 0,
    };
    const land = (): void => {
      if (flights.get(key) === flight) flights.delete(key);
    };
    flights.set(key, flight);
    flight.result.then(land, land);
    return flight;
  };

  return {
    async join(key, signal, begin) {
      signal?.throwIfAborted();
      const flight = flights.get(key) ?? start(key, begin);
      flight.waiting += 1;
      if (signal === undefined) return flight.result;
      const { aborted, stop } = whenAborted(signal);
      try {
        return await Promise.race([flight.result, aborted]);
      } catch (error) {
        flight.waiting -= 1;
        if (signal.aborted && flight.waiting === 0) {
          if (flights.get(key) === flight) flights.delete(key);
          flight.controller.abort(signal.reason);
        }
        throw error;
      } finally {
        stop();
      }
    },
    forget(key) {
      flights.delete(key);
    },
    forgetAll(prefix) {
      for (const key of flights.keys()) if (key.startsWith(prefix)) flights.delete(key);
    },
  };
}

function whenAborted(signal: AbortSignal): { aborted: Promise<never>; stop: () => void } {
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  return { aborted, stop: () => signal.removeEventListener('abort', onAbort) };
}
