import { LRUCache } from 'lru-cache';
import { type CachedObject, entryBytes } from './cached-object.js';
import { type DiskTierOptions, openDiskTier } from './disk-tier.js';

export interface TiersOptions {
  readonly memory_bytes_max: number;
  readonly disk?: DiskTierOptions;
}

/** Memory, and the disk for what it has no room for. */
export interface Tiers {
  get(key: string): Promise<CachedObject | undefined> | CachedObject | undefined;
  set(key: string, object: CachedObject): void;
  delete(key: string): void;
  deleteAll(prefix: string): void;
  close(): Promise<void>;
}

export async function openTiers(name: string, options: TiersOptions): Promise<Tiers> {
  const disk = options.disk && (await openDiskTier(name, options.disk));
  const memory = new LRUCache<string, CachedObject>({
    maxSize: options.memory_bytes_max,
    sizeCalculation: ({ content }, key) => entryBytes(key, content.length),
    dispose(object, key, reason) {
      if (reason === 'evict') disk?.put(key, object);
    },
  });

  const readDisk = async (key: string): Promise<CachedObject | undefined> => {
    const object = await disk?.get(key);
    if (object !== undefined) memory.set(key, object);
    return object;
  };

  return {
    get: (key) => memory.get(key) ?? (disk === undefined ? undefined : readDisk(key)),
    set(key, object) {
      if (entryBytes(key, object.content.length) <= options.memory_bytes_max) memory.set(key, object);
      else disk?.put(key, object);
    },
    delete(key) {
      memory.delete(key);
      disk?.delete(key);
    },
    deleteAll(prefix) {
      for (const key of [...memory.keys()]) if (key.startsWith(prefix)) memory.delete(key);
      disk?.deleteAll(prefix);
    },
    async close() {
      memory.clear();
      await disk?.close();
    },
  };
}
