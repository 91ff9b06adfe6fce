export interface FairBucket {
  /** What may pass in one piece: a larger one would leave a gap behind it. */
  readonly chunk_bytes_max: number;
  /** One transfer. Its own requests come one after the other. */
  flow(): Flow;
}

export interface Flow {
  /** Resolves when the bytes may pass; undefined: at once. Fails with the signal's reason. */
  take(size_bytes: number, signal?: AbortSignal): Promise<void> | undefined;
}

interface Request {
  left_bytes: number;
  /** Where it stands in virtual time; the smallest is served next. */
  tag: number;
  readonly served: (tag: number) => void;
}

/**
 * What may pass at once after a pause, or after a moment in which the process was busy with other things: the limit is
 * kept within 3 % over ten seconds, whatever came before.
 */
const BURST_MS = 300;
/** Large requests are served in pieces of this, so that nobody waits for one of them as a whole. */
const PIECE_MS = 20;
const PIECE_BYTES_MAX = 64 * 1024;
const PIECE_BYTES_MIN = 256;
const CHUNK_MS = 50;

/**
 * A token bucket that several transfers share by start-time fair queueing (Goyal, Vin, Cheng: "Start-time Fair Queuing",
 * 1996): each gets the same number of bytes over time, whatever the size of its chunks, and a new one does not catch up
 * on what the others had before.
 */
export function createFairBucket(bytes_per_second: number): FairBucket {
  const per_ms = bytes_per_second / 1000;
  const piece_bytes = Math.max(PIECE_BYTES_MIN, Math.min(PIECE_BYTES_MAX, Math.floor(per_ms * PIECE_MS)));
  const burst_bytes = Math.max(piece_bytes, per_ms * BURST_MS);
  const waiting = new Set<Request>();
  let tokens = 0;
  let filled_at_ms = performance.now();
  let virtual_time = 0;
  let timer: NodeJS.Timeout | undefined;
  let turn: NodeJS.Immediate | undefined;

  const fill = (): void => {
    const now_ms = performance.now();
    tokens = Math.min(burst_bytes, tokens + (now_ms - filled_at_ms) * per_ms);
    filled_at_ms = now_ms;
  };

  /**
   * One piece for each in a turn of the event loop. With many tokens at hand, all would go to the one with the largest
   * chunk, while those whose small ones were served are on their way back with the next.
   */
  const serve = (): void => {
    clearTimeout(timer);
    clearImmediate(turn);
    fill();
    let end = Number.POSITIVE_INFINITY;
    for (let request = first(waiting); request !== undefined; request = first(waiting)) {
      const bytes = Math.min(request.left_bytes, piece_bytes);
      if (tokens < bytes) {
        timer = setTimeout(serve, Math.ceil((bytes - tokens) / per_ms));
        return;
      }
      if (request.tag >= end) {
        turn = setImmediate(serve);
        return;
      }
      tokens -= bytes;
      virtual_time = Math.max(virtual_time, request.tag);
      request.tag += bytes;
      request.left_bytes -= bytes;
      end = Math.min(end, request.tag);
      if (request.left_bytes > 0) continue;
      waiting.delete(request);
      request.served(request.tag);
    }
  };

  const wait = (size_bytes: number, tag: number, signal?: AbortSignal): Promise<number> =>
    new Promise((resolve, reject) => {
      const onAbort = (): void => {
        waiting.delete(request);
        reject(signal?.reason);
      };
      const request: Request = {
        left_bytes: size_bytes,
        tag,
        served(end) {
          signal?.removeEventListener('abort', onAbort);
          resolve(end);
        },
      };
      if (signal?.aborted === true) {
        reject(signal.reason);
        return;
      }
      signal?.addEventListener('abort', onAbort, { once: true });
      waiting.add(request);
      // It may be smaller than what the timer waits for, or have its turn before it.
      serve();
    });

  return {
    chunk_bytes_max: Math.max(piece_bytes, Math.floor(per_ms * CHUNK_MS)),
    flow() {
      let end_tag = virtual_time;
      return {
        take(size_bytes, signal) {
          // A flow of small chunks comes back a moment after each: it keeps its place if that was not long ago.
          const tag = Math.max(virtual_time - burst_bytes, end_tag);
          if (waiting.size === 0) {
            fill();
            if (tokens >= size_bytes) {
              tokens -= size_bytes;
              virtual_time = Math.max(virtual_time, tag);
              end_tag = tag + size_bytes;
              return undefined;
            }
          }
          return wait(size_bytes, tag, signal).then((end) => {
            end_tag = end;
          });
        },
      };
    },
  };
}

function first(requests: ReadonlySet<Request>): Request | undefined {
  let smallest: Request | undefined;
  for (const request of requests) {
    if (smallest === undefined || request.tag < smallest.tag) smallest = request;
  }
  return smallest;
}
