/**
 * The node's own small, durable state (registry, keys, tokens, cursors, verification times, journals): named tables of
 * JSON values. Keys are byte strings in UTF-8 order. One LMDB environment in `<storage-path>/state`, see lmdb-state.ts.
 */
export interface StateStore {
  table<T>(name: string): StateTable<T>;
  /** All writes made inside it land in one durable transaction, or none. */
  transaction<R>(work: () => R): Promise<R>;
  close(): Promise<void>;
}

export interface StateTable<T> {
  get(key: string): T | undefined;
  /** Durable when it resolves. */
  put(key: string, value: T): Promise<void>;
  delete(key: string): Promise<boolean>;
  /** Ascending, at most `limit` entries with `from <= key < to`. */
  range(options: { from?: string; after?: string; to?: string; limit: number }): { key: string; value: T }[];
  count(): number;
}
