import { LIMITS } from '../../config/limits.js';
import type { AdapterConfig } from '../../config/schema.js';
import { createBandwidth } from './bandwidth.js';
import type { ReadCacheOptions } from './cache/read-cache.js';
import type { DecoratorOptions } from './stack.js';

const MB = 1_000_000;

export type DecoratorSettings = Pick<
  AdapterConfig,
  'retry' | 'concurrency_max' | 'bandwidth_limit_mbps' | 'cache'
>;

/** What the configuration of an adapter says of its decorators. */
export function decoratorOptions(settings: DecoratorSettings): DecoratorOptions {
  const { retry, concurrency_max, bandwidth_limit_mbps, cache } = settings;
  return {
    ...(retry && { retry: { ...retry, burst: LIMITS.adapter_retry_burst } }),
    ...(concurrency_max !== undefined && { concurrency: { calls_max: concurrency_max } }),
    ...(bandwidth_limit_mbps !== undefined && { bandwidth: createBandwidth(bandwidth_limit_mbps) }),
    ...(cache && { cache: cacheOptions(cache) }),
  };
}

function cacheOptions(cache: NonNullable<DecoratorSettings['cache']>): ReadCacheOptions {
  const { memory_mb, object_mb, trust_ms, disk_folder, disk_mb } = cache;
  return {
    memory_bytes_max: Math.ceil(memory_mb * MB),
    object_bytes_max: Math.ceil(object_mb * MB),
    trust_ms,
    ...(disk_folder !== undefined && { disk: { folder: disk_folder, bytes_max: Math.ceil(disk_mb * MB) } }),
  };
}
