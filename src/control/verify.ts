/** Reads everything that is stored and compares it with its digests, saying how far it is. */
import { type Adapter, isStoreError } from '../../adapters/contract/index.js';
import { LIMITS } from '../../config/limits.js';

export interface VerifyRequest {
  readonly bucket?: string | undefined;
  readonly prefix?: string | undefined;
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

interface Target {
  readonly bucket: string;
  readonly key: string;
  readonly version_id: string;
  readonly size_bytes: number;
}

async function* listBucketNames(store: Adapter, only: string | undefined): AsyncGenerator<string> {
  if (only !== undefined) {
    await store.headBucket({ bucket: only });
    yield only;
    return;
  }
  let after: string | null = '';
  while (after !== null) {
    const page = await store.listBuckets({ limit: LIMITS.list_keys_max, ...(after === '' ? {} : { after }) });
    for (const { name } of page.buckets) yield name;
    after = page.next;
  }
}

async function* listTargets(
  store: Adapter,
  request: VerifyRequest,
  signal: AbortSignal,
): AsyncGenerator<Target> {
  for await (const bucket of listBucketNames(store, request.bucket)) {
    let after: { key: string; version_id?: string } | null | undefined;
    while (after !== null) {
      const page: Awaited<ReturnType<Adapter['listVersions']>> = await store.listVersions({
        bucket,
        limit: LIMITS.list_keys_max,
        signal,
        ...(request.prefix === undefined ? {} : { prefix: request.prefix }),
        ...(after === undefined ? {} : { after }),
      });
      for (const entry of page.entries) {
        if (entry.type === 'item' && !entry.item.delete_marker) yield { bucket, ...entry.item };
      }
      after = page.next;
    }
  }
}

/** Null when the object went away meanwhile. */
async function isIntact(store: Adapter, target: Target, signal: AbortSignal): Promise<boolean | null> {
  const { bucket, key, version_id } = target;
  try {
    return (await store.verifyObject({ bucket, key, version_id, signal })).intact;
  } catch (error) {
    if (isStoreError(error, 'not_found')) return null;
    if (isStoreError(error, 'corrupt')) return false;
    throw error;
  }
}

/** Ends with `done`. Progress comes at most every `verify_progress_interval_ms`. */
export async function* verifyAll(
  store: Adapter,
  request: VerifyRequest,
  signal: AbortSignal,
): AsyncGenerator<VerifyEvent> {
  const usage = await store.usage(request.bucket === undefined ? {} : { bucket: request.bucket });
  const count = { objects: 0, bytes: 0, corrupt: 0 };
  let told_at = performance.now();
  for await (const target of listTargets(store, request, signal)) {
    signal.throwIfAborted();
    const intact = await isIntact(store, target, signal);
    if (intact === null) continue;
    count.objects++;
    count.bytes += target.size_bytes;
    if (!intact) {
      count.corrupt++;
      yield { event: 'corrupt', bucket: target.bucket, key: target.key, version_id: target.version_id };
    }
    if (performance.now() - told_at < LIMITS.verify_progress_interval_ms) continue;
    told_at = performance.now();
    yield { event: 'progress', ...count, total_bytes: usage.stored_bytes };
  }
  yield { event: 'done', ...count };
}
