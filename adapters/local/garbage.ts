import type { Tables } from './index/tables.js';

/** What nothing refers to any more, under the time at which that came to be. `completed`: the memory of an upload. */
export type GarbageKind = 'blob' | 'manifest' | 'upload' | 'completed';

export interface Garbage {
  readonly key: Buffer;
  readonly at_ms: number;
  readonly kind: GarbageKind;
  readonly id: Buffer;
  readonly value: Buffer;
}

const KINDS: readonly GarbageKind[] = ['blob', 'manifest', 'upload', 'completed'];
const ID_AT = 7;
const NOTHING = Buffer.from([0]);

function garbageKey(at_ms: number, kind: GarbageKind, id: Uint8Array): Buffer {
  const key = Buffer.allocUnsafe(ID_AT + id.length);
  key.writeUIntBE(at_ms, 0, 6);
  key[6] = KINDS.indexOf(kind);
  key.set(id, ID_AT);
  return key;
}

/** Inside a transaction. Returns the entry's key. */
export function addGarbage(
  tables: Tables,
  at_ms: number,
  kind: GarbageKind,
  id: Uint8Array,
  value: Buffer = NOTHING,
): Buffer {
  const key = garbageKey(at_ms, kind, id);
  void tables.garbage.put(key, value);
  return key;
}

/** Oldest first, those from before `before_ms`. */
export function listGarbage(tables: Tables, before_ms: number, limit: number): Garbage[] {
  const end = Buffer.allocUnsafe(6);
  end.writeUIntBE(Math.max(0, before_ms), 0, 6);
  const found: Garbage[] = [];
  for (const { key, value } of tables.garbage.getRange({ end, limit })) {
    found.push({
      key,
      at_ms: key.readUIntBE(0, 6),
      kind: KINDS[key[6] ?? 0] ?? 'blob',
      id: Buffer.from(key.subarray(ID_AT)),
      value,
    });
  }
  return found;
}
