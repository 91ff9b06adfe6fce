import { closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import type { StateStore, StateTable } from './store.js';

export interface OpenStateOptions {
  /** Called once with the first commit error: the process must stop, because what is durable is no longer known. */
  readonly on_fatal?: (error: Error) => void;
}

const TABLES_MAX = 64;

function fsyncFolder(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

const encodeKey = (key: string): Buffer => Buffer.from(key, 'utf8');

type Values = Database<unknown, Buffer>;

interface Commits {
  /** Sees every commit: a failure is fatal. */
  guard<R>(commit: Promise<R>): Promise<R>;
  /** Whether a transaction's work is running now: a further transaction would only be queued behind it. */
  inside(): boolean;
}

function openTable<T>(values: Values, commits: Commits): StateTable<T> {
  return {
    get: (key) => values.get(encodeKey(key)) as T | undefined,
    put: async (key, value) => {
      await commits.guard(values.put(encodeKey(key), value));
    },
    delete: (key) => {
      const encoded = encodeKey(key);
      const remove = () => {
        const there = values.doesExist(encoded);
        if (there) void values.remove(encoded);
        return there;
      };
      return commits.inside() ? Promise.resolve(remove()) : commits.guard(values.transaction(remove));
    },
    range: ({ from, after, to, limit }) => {
      const start = after ?? from;
      const entries = values.getRange({
        ...(start === undefined ? {} : { start: encodeKey(start) }),
        ...(to === undefined ? {} : { end: encodeKey(to) }),
        exclusiveStart: after !== undefined,
        limit,
      });
      return Array.from(entries, ({ key, value }) => ({ key: key.toString('utf8'), value: value as T }));
    },
    count: () => (values.getStats() as { entryCount: number }).entryCount,
  };
}

/**
 * Opens or creates the environment in the folder `path`. The caller holds the storage lock: two processes must never
 * share an environment. `overlappingSync` is off because with it acknowledged writes were lost at a kill.
 */
export function openStateStore(path: string, options: OpenStateOptions = {}): StateStore {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const root: RootDatabase<unknown, Buffer> = open({
    path: `${path}/data.mdb`,
    noSubdir: true,
    overlappingSync: false,
    maxDbs: TABLES_MAX,
    keyEncoding: 'binary',
    encoding: 'json',
  });
  fsyncFolder(path);
  fsyncFolder(dirname(path));
  let failed = false;
  const guard = async <R>(commit: Promise<R>): Promise<R> => {
    try {
      return await commit;
    } catch (error) {
      if (!failed) {
        failed = true;
        options.on_fatal?.(error instanceof Error ? error : new Error(String(error)));
      }
      throw error;
    }
  };
  return makeStore(root, guard);
}

function makeStore(root: RootDatabase<unknown, Buffer>, guard: Commits['guard']): StateStore {
  let inside = false;
  const commits: Commits = { guard, inside: () => inside };
  const tables = new Map<string, StateTable<unknown>>();
  return {
    table: <T>(name: string) => {
      let table = tables.get(name);
      if (table === undefined) {
        const values: Values = root.openDB({ name, keyEncoding: 'binary', encoding: 'json' });
        table = openTable<unknown>(values, commits);
        tables.set(name, table);
      }
      return table as StateTable<T>;
    },
    transaction: async (work) => {
      let thrown: { error: unknown } | undefined;
      const run = () => {
        inside = true;
        try {
          return work();
        } catch (error) {
          thrown = { error };
          throw error;
        } finally {
          inside = false;
        }
      };
      // A child transaction, because the writes of one event turn share a commit: its abort takes back only its own.
      try {
        return await root.childTransaction(run);
      } catch (error) {
        if (thrown !== undefined) throw thrown.error;
        return guard(Promise.reject(error));
      }
    },
    close: () => root.close(),
  };
}
