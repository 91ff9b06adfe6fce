import { LRUCache } from 'lru-cache';
import { LIMITS } from '../../config/limits.js';
import type { PartRecord } from './index/content-records.js';
import { sequenceKey } from './index/keys.js';
import type { Tables } from './index/tables.js';

/**
 * The part lists of finished multipart objects. Copies of an object share its list. A list never changes and its id is
 * never used again, so what was decoded once is kept: a range of an object of ten thousand parts should not decode them
 * all for each request.
 */
export interface Manifests {
  read(manifest_id: number): readonly PartRecord[] | undefined;
  /** With one reference. This and what follows: inside a transaction. */
  add(manifest_id: number, parts: readonly PartRecord[]): void;
  /** Adds to the references and returns how many there are then; 0 when there is no such list. */
  refer(manifest_id: number, by: 1 | -1): number;
  references(manifest_id: number): number;
  remove(manifest_id: number): void;
}

export function createManifests(tables: Tables): Manifests {
  const decoded = new LRUCache<number, readonly PartRecord[]>({
    maxSize: LIMITS.manifest_parts_cached_max,
    sizeCalculation: (parts) => parts.length,
  });
  const references = (manifest_id: number) => tables.manifest_references.get(sequenceKey(manifest_id)) ?? 0;
  return {
    read(manifest_id) {
      const known = decoded.get(manifest_id);
      if (known !== undefined) return known;
      const parts = tables.manifests.get(sequenceKey(manifest_id));
      if (parts !== undefined) decoded.set(manifest_id, parts);
      return parts;
    },
    add(manifest_id, parts) {
      const key = sequenceKey(manifest_id);
      void tables.manifests.put(key, parts);
      void tables.manifest_references.put(key, 1);
    },
    refer(manifest_id, by) {
      const before = references(manifest_id);
      if (before === 0) return 0;
      void tables.manifest_references.put(sequenceKey(manifest_id), before + by);
      return before + by;
    },
    references,
    remove(manifest_id) {
      const key = sequenceKey(manifest_id);
      void tables.manifests.remove(key);
      void tables.manifest_references.remove(key);
      decoded.delete(manifest_id);
    },
  };
}
