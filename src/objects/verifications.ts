import type { ObjectInfo } from '../../adapters/contract/index.js';
import { LIMITS } from '../../config/limits.js';
import type { StateStore } from '../state/store.js';

/** What is known of an object's intactness since it was written. */
export interface Verification {
  readonly count: number;
  readonly last_ms: number;
  readonly intact: boolean;
}

interface Stored extends Verification {
  /** The object that was looked at: when it is replaced, its verifications begin anew. */
  readonly etag: string;
  readonly modified_at_ms: number;
}

type Subject = Pick<ObjectInfo, 'key' | 'etag' | 'modified_at_ms'>;

export interface Verifications {
  /** Notes that an object was read in full and compared with its digest. Written together with others a moment later. */
  record(bucket: string, object: Subject, intact: boolean): void;
  get(bucket: string, object: Subject): Verification | undefined;
  /** The same for a page of a listing (ascending keys), with one scan instead of many look-ups. */
  ofPage(bucket: string, page: readonly Subject[]): (Verification | undefined)[];
  /** Forgets the objects between two keys (both included) that are neither present nor younger than `before_ms`. */
  prune(bucket: string, span: PruneSpan): Promise<number>;
  forget(bucket: string, key: string): void;
  flush(): Promise<void>;
  close(): Promise<void>;
}

interface PruneSpan {
  readonly from: string;
  readonly to: string;
  readonly present: ReadonlySet<string>;
  readonly before_ms: number;
}

export interface VerificationsOptions {
  readonly state: StateStore;
  /** Told of a flush that failed; its records are tried again with the next one. */
  readonly on_error: (error: unknown) => void;
}

const SCAN_COUNT = 1_000;
const WRITE_COUNT = 500;

function isOf(stored: Stored | null | undefined, object: Subject): stored is Stored {
  return stored != null && stored.etag === object.etag && stored.modified_at_ms === object.modified_at_ms;
}

/**
 * Verifications of objects, kept in the node's state. Reads record one each, so writes are coalesced: a crash may
 * forget the last few seconds of counts, never anything else.
 */
export function createVerifications({ state, on_error }: VerificationsOptions): Verifications {
  const table = state.table<Stored>('verifications');
  const idOf = (bucket: string, key: string) => `${bucket}/${key}`;
  /** Null: to be removed. */
  let pending = new Map<string, Stored | null>();
  /** Handed to the state, not yet in it. */
  let writing: ReadonlyMap<string, Stored | null> = new Map();
  let flushing: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  const waiting = (id: string) => {
    const found = pending.get(id);
    return found === undefined ? writing.get(id) : found;
  };

  const read = (id: string) => {
    const found = waiting(id);
    return found === undefined ? table.get(id) : found;
  };

  /** Single puts, not a transaction: they need not be atomic, and a transaction's work would hold up the event loop. */
  const write = async () => {
    writing = pending;
    pending = new Map();
    const entries = [...writing];
    try {
      for (let at = 0; at < entries.length; at += WRITE_COUNT) {
        const group = entries.slice(at, at + WRITE_COUNT);
        await Promise.all(
          group.map(([id, stored]) => (stored === null ? table.delete(id) : table.put(id, stored))),
        );
      }
    } catch (error) {
      for (const [id, stored] of entries) if (!pending.has(id)) pending.set(id, stored);
      on_error(error);
    }
    writing = new Map();
  };

  const flush = async () => {
    clearTimeout(timer);
    timer = undefined;
    await flushing;
    if (pending.size === 0) return;
    flushing = write().finally(() => {
      flushing = undefined;
    });
    await flushing;
  };

  const set = (id: string, stored: Stored | null) => {
    // Beyond the bound (the disk does not keep up) counts are lost rather than memory.
    if (pending.size >= 2 * LIMITS.verifications_pending_max && !pending.has(id)) return;
    pending.set(id, stored);
    if (pending.size >= LIMITS.verifications_pending_max && flushing === undefined) void flush();
    else timer ??= setTimeout(() => void flush(), LIMITS.verifications_flush_ms).unref();
  };

  const scan = function* (from: string, to: string): Generator<{ key: string; value: Stored }> {
    const end = `${to}\0`;
    let page = table.range({ from, to: end, limit: SCAN_COUNT });
    for (;;) {
      yield* page;
      const last = page.at(-1);
      if (last === undefined || page.length < SCAN_COUNT) return;
      page = table.range({ after: last.key, to: end, limit: SCAN_COUNT });
    }
  };

  const storedOf = (bucket: string, page: readonly Subject[]) => {
    const [first, last] = [page[0], page.at(-1)];
    const found = new Map<string, Stored>();
    if (first === undefined || last === undefined) return found;
    for (const { key, value } of scan(idOf(bucket, first.key), idOf(bucket, last.key))) found.set(key, value);
    return found;
  };

  return {
    record: (bucket, object, intact) => {
      const id = idOf(bucket, object.key);
      const before = read(id);
      const { etag, modified_at_ms } = object;
      const count = isOf(before, object) ? before.count + 1 : 1;
      set(id, { etag, modified_at_ms, count, last_ms: Date.now(), intact });
    },
    get: (bucket, object) => {
      const stored = read(idOf(bucket, object.key));
      return isOf(stored, object) ? stored : undefined;
    },
    ofPage: (bucket, page) => {
      const found = storedOf(bucket, page);
      return page.map((object) => {
        const id = idOf(bucket, object.key);
        const unwritten = waiting(id);
        const stored = unwritten === undefined ? found.get(id) : unwritten;
        return isOf(stored, object) ? stored : undefined;
      });
    },
    prune: async (bucket, { from, to, present, before_ms }) => {
      const skip = bucket.length + 1;
      const gone: string[] = [];
      for (const { key, value } of scan(idOf(bucket, from), idOf(bucket, to))) {
        if (!present.has(key.slice(skip)) && value.modified_at_ms < before_ms) gone.push(key);
      }
      for (const id of gone) if (waiting(id) === undefined) set(id, null);
      return gone.length;
    },
    forget: (bucket, key) => {
      const id = idOf(bucket, key);
      if (read(id) != null) set(id, null);
    },
    flush,
    close: async () => {
      await flush();
      clearTimeout(timer);
    },
  };
}
