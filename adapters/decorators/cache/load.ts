import { LIMITS } from '../../../config/limits.js';
import {
  type Adapter,
  type Body,
  type GetObjectResult,
  isStoreError,
  StoreError,
} from '../../contract/index.js';
import { type CachedObject, cacheKey, isSameWrite } from './cached-object.js';
import type { Shared } from './coalescer.js';
import type { Tiers } from './tiers.js';

interface Address {
  readonly bucket: string;
  readonly key: string;
}

/** What a read below came to. `large`: too large to be kept, or for now; the first who takes the result may read its body. */
export type Loaded =
  | { readonly type: 'object'; readonly object: CachedObject }
  | {
      readonly type: 'large';
      readonly size_bytes: number;
      take(signal: AbortSignal | undefined): GetObjectResult | undefined;
    };

export interface LoaderOptions {
  readonly inner: Adapter;
  readonly tiers: Tiers;
  readonly object_bytes_max: number;
}

export type Loader = (address: Address, shared: Shared) => Promise<Loaded>;

/** Asks the adapter below for what the cache does not know, or not for sure. */
export function createLoader({ inner, tiers, object_bytes_max }: LoaderOptions): Loader {
  let loading_bytes = 0;

  /** The entry, if it is still what lies below, with the info of now: ETags say nothing of tags, locks or headers. */
  const revalidate = async (
    address: Address,
    known: CachedObject,
    shared: Shared,
  ): Promise<CachedObject | undefined> => {
    const checked_at_ms = performance.now();
    const { info } = await inner.headObject({ ...address, signal: shared.signal });
    return isSameWrite(info, known.info) ? { info, content: known.content, checked_at_ms } : undefined;
  };

  const load = async (address: Address, shared: Shared): Promise<Loaded> => {
    const checked_at_ms = performance.now();
    const result = await inner.getObject({ ...address, signal: shared.signal });
    const { info, body } = result;
    const has_room = loading_bytes + info.size_bytes <= LIMITS.cache_loads_bytes_max;
    if (info.size_bytes > object_bytes_max || !has_room) return large(result, shared);
    loading_bytes += info.size_bytes;
    try {
      const content = await readWhole(body, info.size_bytes);
      return { type: 'object', object: { info, content, checked_at_ms } };
    } finally {
      loading_bytes -= info.size_bytes;
    }
  };

  return async (address, shared) => {
    const key = cacheKey(address);
    try {
      const known = await tiers.get(key);
      const valid = known && (await revalidate(address, known, shared));
      const loaded: Loaded =
        valid === undefined ? await load(address, shared) : { type: 'object', object: valid };
      if (shared.isCurrent() && loaded.type === 'object') tiers.set(key, loaded.object);
      return loaded;
    } catch (error) {
      if (isStoreError(error)) tiers.delete(key);
      throw error;
    }
  };
}

function large(result: GetObjectResult, shared: Shared): Loaded {
  let taken = false;
  return {
    type: 'large',
    size_bytes: result.info.size_bytes,
    take(signal) {
      if (taken || signal?.aborted === true) return undefined;
      taken = true;
      signal?.addEventListener('abort', () => shared.abort(signal.reason), { once: true });
      return result;
    },
  };
}

async function readWhole(body: Body, size_bytes: number): Promise<Uint8Array> {
  // Copied: a body of one piece may be a view of something larger, or be used again by its owner.
  const content = Buffer.allocUnsafeSlow(size_bytes);
  let at = 0;
  const add = (chunk: Uint8Array): void => {
    if (at + chunk.length > size_bytes) throw wrongLength();
    content.set(chunk, at);
    at += chunk.length;
  };
  if (body instanceof Uint8Array) add(body);
  else for await (const chunk of body) add(chunk);
  if (at !== size_bytes) throw wrongLength();
  return content;
}

function wrongLength(): StoreError {
  return new StoreError('unavailable', 'the body is not as long as was said', { subject: 'adapter' });
}
