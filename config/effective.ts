/** What stands for adapters and mounts where the configuration names none. */
import type { MountSettings } from './mount-checks.js';
import type { AdapterConfig, Config } from './schema.js';

const DEFAULT_ADAPTER = 'disk';

/** By name; at least one. */
export function effectiveAdapters({
  adapters,
  storage_path,
}: Pick<Config, 'adapters' | 'storage_path'>): Readonly<Record<string, AdapterConfig>> {
  if (Object.keys(adapters).length > 0) return adapters;
  return { [DEFAULT_ADAPTER]: { type: 'local', path: storage_path } };
}

/** In the order in which they are asked. */
export function effectiveMounts(
  config: Pick<Config, 'adapters' | 'mounts' | 'storage_path'>,
): readonly MountSettings[] {
  if (config.mounts.length > 0) return config.mounts;
  const [first = DEFAULT_ADAPTER] = Object.keys(effectiveAdapters(config));
  return [{ buckets: '*', adapter: first, read_only: false }];
}

/** Whose storage a remote adapter stands over: settings of a `minio` adapter have no provider of their own. */
export function providerOf<Provider>(
  remote: { readonly type: 'minio' } | { readonly type: 's3'; readonly provider: Provider },
): Provider | 'minio' {
  return remote.type === 'minio' ? 'minio' : remote.provider;
}
