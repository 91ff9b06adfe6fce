/** Reads everything that is stored and compares it with its digests, saying how far it is. */
import type { ObjectInfo } from '../../adapters/contract/index.js';
import { LIMITS } from '../../config/limits.js';
import { type VerifyDeps, verifyOne } from '../upkeep/verify.js';
import { walkAll, walkBucket } from '../upkeep/walk.js';

export interface VerifyRequest {
  /** Only this bucket. */
  readonly bucket?: string | undefined;
}

export type VerifyEvent =
  | {
      readonly event: 'progress';
      readonly objects: number;
      readonly bytes: number;
      readonly total_bytes: number;
      readonly corrupt: number;
    }
  | { readonly event: 'corrupt'; readonly bucket: string; readonly key: string; readonly version_id: string }
  | { readonly event: 'done'; readonly objects: number; readonly bytes: number; readonly corrupt: number };

interface Look {
  readonly bucket: string;
  readonly info: ObjectInfo;
  /** Null: the version went away meanwhile. */
  readonly intact: Promise<boolean | null>;
}

/** Looks at some objects at a time, so that disk and hashing overlap; results come in order. */
async function* lookAtAll(
  deps: VerifyDeps,
  only: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<Look> {
  const pages =
    only === undefined
      ? walkAll(deps.store, null, signal)
      : walkBucket(deps.store, { bucket: only, after: null }, LIMITS.list_keys_max, signal);
  const ahead: Look[] = [];
  for await (const { bucket, objects } of pages) {
    for (const info of objects) {
      signal.throwIfAborted();
      const intact = verifyOne(deps, bucket, info, signal);
      // Awaited in its turn; until then a failure must not count as unhandled.
      intact.catch(() => {});
      ahead.push({ bucket, info, intact });
      const next = ahead.length >= LIMITS.verify_ahead_count ? ahead.shift() : undefined;
      if (next !== undefined) yield next;
    }
  }
  yield* ahead;
}

/** Ends with `done`. Progress comes at most every `verify_progress_interval_ms`. */
export async function* verifyStorage(
  deps: VerifyDeps,
  request: VerifyRequest,
  signal: AbortSignal,
): AsyncGenerator<VerifyEvent> {
  const usage = await deps.store.usage(request.bucket === undefined ? {} : { bucket: request.bucket });
  const count = { objects: 0, bytes: 0, corrupt: 0 };
  let told_at = performance.now();
  for await (const { bucket, info, intact } of lookAtAll(deps, request.bucket, signal)) {
    const found = await intact;
    if (found === null) continue;
    count.objects++;
    count.bytes += info.size_bytes;
    if (!found) {
      count.corrupt++;
      yield { event: 'corrupt', bucket, key: info.key, version_id: info.version_id };
    }
    if (performance.now() - told_at < LIMITS.verify_progress_interval_ms) continue;
    told_at = performance.now();
    yield { event: 'progress', ...count, total_bytes: usage.stored_bytes };
  }
  await deps.verifications.flush();
  yield { event: 'done', ...count };
}
