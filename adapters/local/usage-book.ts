import type { Usage } from '../contract/index.js';
import { bucketKey } from './index/keys.js';
import type { Tables } from './index/tables.js';
import type { UsageDelta } from './index/writer.js';

type Counters = [objects: number, object_bytes: number, versions: number, stored_bytes: number];

/**
 * Counters of each bucket and of the whole. They are kept in memory, where a batch of writes adds to them, and written
 * once per batch in its transaction: exact after any crash, and one put however many objects the batch has.
 */
export interface UsageBook {
  add(bucket_id: number, delta: UsageDelta): void;
  /** Writes what changed since the last call; inside a transaction. */
  write(tables: Tables): void;
  /** The bucket is gone, and all that it held with it. */
  drop(bucket_id: number): void;
  has(bucket_id: number): boolean;
  open(bucket_id: number): void;
  read(bucket_id?: number): Usage;
}

export function openUsageBook(tables: Tables): UsageBook {
  const buckets = new Map<number, Counters>();
  const total: Counters = [0, 0, 0, 0];
  const dirty = new Set<number>();

  function apply(counters: Counters, by: Readonly<Counters>, sign: 1 | -1): void {
    for (let index = 0; index < counters.length; index += 1) {
      counters[index] = (counters[index] ?? 0) + sign * (by[index] ?? 0);
    }
  }

  for (const { key, value } of tables.usage.getRange()) {
    const counters: Counters = [...value];
    buckets.set(key.readUInt32BE(0), counters);
    apply(total, counters, 1);
  }

  return {
    add(bucket_id, delta) {
      const counters = buckets.get(bucket_id);
      // Parts of an aborted upload may be cleared away after their bucket went, and its counters with it.
      if (counters === undefined) return;
      const by: Counters = [
        delta.objects ?? 0,
        delta.object_bytes ?? 0,
        delta.versions ?? 0,
        delta.stored_bytes ?? 0,
      ];
      apply(counters, by, 1);
      apply(total, by, 1);
      dirty.add(bucket_id);
    },
    write(into) {
      for (const bucket_id of dirty) {
        const counters = buckets.get(bucket_id);
        if (counters === undefined) void into.usage.remove(bucketKey(bucket_id));
        else void into.usage.put(bucketKey(bucket_id), counters);
      }
      dirty.clear();
    },
    drop(bucket_id) {
      const counters = buckets.get(bucket_id);
      if (counters !== undefined) apply(total, counters, -1);
      buckets.delete(bucket_id);
      dirty.add(bucket_id);
    },
    has: (bucket_id) => buckets.has(bucket_id),
    open(bucket_id) {
      buckets.set(bucket_id, [0, 0, 0, 0]);
      dirty.add(bucket_id);
    },
    read(bucket_id) {
      const [objects_count, objects_bytes, versions_count, stored_bytes] =
        bucket_id === undefined ? total : (buckets.get(bucket_id) ?? [0, 0, 0, 0]);
      return { objects_count, objects_bytes, versions_count, stored_bytes };
    },
  };
}
