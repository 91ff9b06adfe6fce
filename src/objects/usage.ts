import type { Adapter, Usage } from '../../adapters/contract/index.js';

export const NO_USAGE: Usage = { objects_count: 0, objects_bytes: 0, versions_count: 0, stored_bytes: 0 };

export function addUsage(a: Usage, b: Usage): Usage {
  return {
    objects_count: a.objects_count + b.objects_count,
    objects_bytes: a.objects_bytes + b.objects_bytes,
    versions_count: a.versions_count + b.versions_count,
    stored_bytes: a.stored_bytes + b.stored_bytes,
  };
}

export async function usageOf(adapters: readonly Adapter[]): Promise<Usage> {
  return (await Promise.all(adapters.map((adapter) => adapter.usage({})))).reduce(addUsage, NO_USAGE);
}
