import { LRUCache } from 'lru-cache';
import { LIMITS } from '../../../config/limits.js';
import { evaluateReadCondition, resolveRange } from '../../conditions.js';
import type { Adapter, GetObjectInput, GetObjectResult, HeadObjectResult } from '../../contract/index.js';
import { forwarding } from '../../forwarding.js';
import { bucketPrefix, type CachedObject, cacheKey, isSameWrite } from './cached-object.js';
import { createCoalescer } from './coalescer.js';
import { createLoader, type Loaded } from './load.js';
import { openTiers, type TiersOptions } from './tiers.js';

export interface ReadCacheOptions extends TiersOptions {
  /** Larger objects pass by. */
  readonly object_bytes_max: number;
  /**
   * How long an entry is believed without asking below: what others write shows after that long. 0: each read asks with
   * a HEAD. Writes through this node show at once.
   */
  readonly trust_ms: number;
}

type Address = { readonly bucket: string; readonly key: string };

/**
 * Keeps whole objects, latest versions only, and serves ranges from them. Concurrent reads of one object share one read
 * below, so what others write meanwhile shows only to those who come after it.
 */
export async function cacheReads(inner: Adapter, options: ReadCacheOptions): Promise<Adapter> {
  const tiers = await openTiers(inner.name, options);
  const flights = createCoalescer<Loaded>();
  const load = createLoader({ inner, tiers, object_bytes_max: options.object_bytes_max });
  /** Of objects that are too large, so that ranges of them are not preceded by a look at their size each time. */
  const large = new LRUCache<string, true>({
    max: LIMITS.cache_large_objects_max,
    ttl: LIMITS.cache_large_objects_ms,
  });

  const trusted = async (key: string): Promise<CachedObject | undefined> => {
    if (options.trust_ms === 0) return undefined;
    const object = await tiers.get(key);
    return object && performance.now() - object.checked_at_ms < options.trust_ms ? object : undefined;
  };

  const isSmall = async (input: GetObjectInput): Promise<boolean> => {
    const { bucket, key, signal } = input;
    const { info } = await inner.headObject({ bucket, key, signal });
    return info.size_bytes <= options.object_bytes_max;
  };

  const getObject = async (input: GetObjectInput): Promise<GetObjectResult> => {
    const key = cacheKey(input);
    const hit = await trusted(key);
    if (hit !== undefined) return answer(hit, input);
    const known = await tiers.get(key);
    if (known === undefined) {
      // It may have no need of the content, or of a small part only.
      if (input.condition !== undefined || large.has(key)) return inner.getObject(input);
      if (input.range !== undefined && !(await isSmall(input))) {
        large.set(key, true);
        return inner.getObject(input);
      }
    }
    const { bucket } = input;
    const loaded = await flights.join(key, input.signal, (shared) =>
      load({ bucket, key: input.key }, shared),
    );
    if (loaded.type === 'object') return answer(loaded.object, input);
    if (loaded.size_bytes > options.object_bytes_max) large.set(key, true);
    const whole = input.range === undefined && input.condition === undefined;
    return (whole ? loaded.take(input.signal) : undefined) ?? inner.getObject(input);
  };

  const headObject = async (input: GetObjectInput): Promise<HeadObjectResult> => {
    const key = cacheKey(input);
    const hit = await trusted(key);
    if (hit !== undefined) return answerHead(hit, input);
    const checked_at_ms = performance.now();
    const result = await inner.headObject(input);
    const known = await tiers.get(key);
    if (known !== undefined && known.checked_at_ms < checked_at_ms) {
      if (isSameWrite(known.info, result.info))
        tiers.set(key, { ...known, info: result.info, checked_at_ms });
      else tiers.delete(key);
    }
    return result;
  };

  const forget = (address: Address): void => {
    const key = cacheKey(address);
    flights.forget(key);
    tiers.delete(key);
    large.delete(key);
  };

  return {
    ...forwarding(inner),
    ...writesThat(inner, forget),
    getObject: async (input) => (isPlain(input) ? getObject(input) : inner.getObject(input)),
    headObject: async (input) => (isPlain(input) ? headObject(input) : inner.headObject(input)),
    verifyObject: async (input) => {
      const result = await inner.verifyObject(input);
      if (!result.intact) forget(input);
      return result;
    },
    deleteBucket: async (input) => {
      await inner.deleteBucket(input);
      flights.forgetAll(bucketPrefix(input.bucket));
      tiers.deleteAll(bucketPrefix(input.bucket));
    },
    async close() {
      await inner.close();
      await tiers.close();
    },
  };
}

function isPlain(input: GetObjectInput): boolean {
  return input.version_id === undefined && input.part_number === undefined;
}

/** Of plain reads: no part is asked for. */
function answerHead({ info }: CachedObject, input: GetObjectInput) {
  input.signal?.throwIfAborted();
  evaluateReadCondition(info, input.condition);
  return { info, range: input.range === undefined ? null : resolveRange(info.size_bytes, input.range) };
}

function answer(object: CachedObject, input: GetObjectInput): GetObjectResult {
  const head = answerHead(object, input);
  const { range } = head;
  return {
    ...head,
    body: range === null ? object.content : object.content.subarray(range.start, range.end + 1),
  };
}

/**
 * Forgets before a write, so that nobody joins a read that began earlier, and after it, so that what was read meanwhile
 * does not stay. A failed write may have been carried out.
 */
function writesThat(inner: Adapter, forget: (address: Address) => void) {
  const around = async <Result>(
    addresses: readonly Address[],
    write: () => Promise<Result>,
  ): Promise<Result> => {
    for (const address of addresses) forget(address);
    try {
      return await write();
    } finally {
      for (const address of addresses) forget(address);
    }
  };
  return {
    putObject: (input) => around([input], () => inner.putObject(input)),
    deleteObject: (input) => around([input], () => inner.deleteObject(input)),
    deleteObjects: (input) =>
      around(
        input.objects.map(({ key }) => ({ bucket: input.bucket, key })),
        () => inner.deleteObjects(input),
      ),
    copyObject: (input) => around([input], () => inner.copyObject(input)),
    completeUpload: (input) => around([input], () => inner.completeUpload(input)),
    putTags: (input) => around([input], () => inner.putTags(input)),
    putRetention: (input) => around([input], () => inner.putRetention(input)),
    putLegalHold: (input) => around([input], () => inner.putLegalHold(input)),
  } satisfies Partial<Adapter>;
}
