/** What a feed needs of the node's durable state: tables of JSON values whose keys are ordered as UTF-8. */
export interface FeedStore {
  table<T>(name: string): FeedTable<T>;
  /** All writes made inside it are durable together when it resolves, or none is made. */
  transaction<R>(work: () => R): Promise<R>;
}

export interface FeedTable<T> {
  get(key: string): T | undefined;
  put(key: string, value: T): Promise<void>;
  delete(key: string): Promise<boolean>;
  /** Ascending, at most `limit` entries with `from <= key < to`, or behind `after`. */
  range(options: { from?: string; after?: string; to?: string; limit: number }): { key: string; value: T }[];
}
