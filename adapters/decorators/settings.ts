import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LIMITS } from '../../config/limits.js';
import { ConfigError } from '../../config/load.js';
import type { AdapterConfig } from '../../config/schema.js';
import { createBandwidth } from './bandwidth.js';
import type { ReadCacheOptions } from './cache/read-cache.js';
import type { CompressionOptions } from './compression/compress.js';
import type { EncryptionOptions } from './encryption/encrypt.js';
import type { DecoratorOptions } from './stack.js';

const MB = 1_000_000;
const RETRY_BOUNDS = {
  burst: LIMITS.adapter_retry_burst,
  elapsed_ms_max: LIMITS.adapter_retry_elapsed_ms_max,
};

export type DecoratorSettings = Pick<
  AdapterConfig,
  'retry' | 'concurrency_max' | 'bandwidth_limit_mbps' | 'cache' | 'encryption' | 'compression'
>;

interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly storage_path: string;
}

type Environment = Surroundings['env'];

/** What the configuration of an adapter says of its decorators. Throws ConfigError for keys that are not there. */
export function decoratorOptions(
  name: string,
  settings: DecoratorSettings,
  { env, storage_path }: Surroundings,
): DecoratorOptions {
  const { retry, concurrency_max, bandwidth_limit_mbps, cache, encryption, compression } = settings;
  if (encryption !== undefined && encryption.records_bucket === compression?.records_bucket) {
    throw new ConfigError([`adapters.${name}: encryption and compression need records_buckets of their own`]);
  }
  return {
    ...(retry && { retry: { ...retry, ...RETRY_BOUNDS } }),
    ...(concurrency_max !== undefined && { concurrency: { calls_max: concurrency_max } }),
    ...(bandwidth_limit_mbps !== undefined && { bandwidth: createBandwidth(bandwidth_limit_mbps) }),
    ...(cache && { cache: cacheOptions(cache) }),
    ...(encryption && { encryption: encryptionOptions(name, encryption, env) }),
    ...(compression && { compression: compressionOptions(name, compression, storage_path) }),
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

/** What lies in the folder is removed at start, so it is one that nobody else has. */
function compressionOptions(
  name: string,
  { level, spool_mb, spool_folder, records_bucket }: NonNullable<DecoratorSettings['compression']>,
  storage_path: string,
): CompressionOptions {
  const folder =
    spool_folder === undefined
      ? join(storage_path, 'spool', name)
      : join(spool_folder, 'backup-node-spool', name);
  return { level, records_bucket, spool: { folder, bytes_max: Math.ceil(spool_mb * MB) } };
}

const KEY = /^[0-9a-fA-F]{64}$/;

function encryptionOptions(
  name: string,
  { key_id, keys, records_bucket }: NonNullable<DecoratorSettings['encryption']>,
  env: Environment,
): EncryptionOptions {
  const ring = new Map<string, Uint8Array>();
  const problems: string[] = [];
  for (const [id, place] of Object.entries(keys)) {
    const text = readKey(place, env);
    if (KEY.test(text)) ring.set(id, Buffer.from(text, 'hex'));
    else problems.push(`adapters.${name}.encryption.keys.${id}: ${wanted(place)} has to hold 64 hex digits`);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return { current: key_id, keys: ring, records_bucket };
}

interface KeyPlace {
  readonly env?: string | undefined;
  readonly file?: string | undefined;
}

function wanted({ env, file }: KeyPlace): string {
  return env === undefined ? `the file ${file}` : `the environment variable ${env}`;
}

/** Empty where there is none; its contents are in no message. */
function readKey({ env: variable, file }: KeyPlace, env: Environment): string {
  if (variable !== undefined) return (env[variable] ?? '').trim();
  try {
    return readFileSync(file ?? '', 'utf8').trim();
  } catch {
    return '';
  }
}
