/** One entry of an adapter's change feed: what was written, in the order in which it became visible. */
export interface Change {
  /** Rises by commit order; opaque, comparable only as the cursor of readChanges. */
  readonly cursor: string;
  readonly type:
    | 'put'
    | 'delete'
    | 'delete_marker'
    | 'metadata'
    | 'bucket_created'
    | 'bucket_deleted'
    | 'bucket_changed';
  readonly bucket: string;
  /** Empty for changes of a bucket. */
  readonly key: string;
  readonly version_id: string;
  /** Empty for deletes. */
  readonly etag: string;
  readonly size_bytes: number;
  readonly at_ms: number;
}

export interface ReadChangesInput {
  /** Exclusive; null from the oldest that is kept. */
  readonly after: string | null;
  readonly limit: number;
  readonly signal?: AbortSignal | undefined;
}

export interface ReadChangesResult {
  readonly changes: readonly Change[];
  /** What to pass as `after` next; the same as was passed when there is nothing new. */
  readonly cursor: string | null;
  /** True when changes after the cursor were trimmed: the reader must reconcile by listing. */
  readonly gap: boolean;
}

export interface ChangeOperations {
  readChanges(input: ReadChangesInput): Promise<ReadChangesResult>;
  /** Resolves when there may be a change after the cursor, or when the signal aborts. */
  waitForChange(input: { readonly after: string | null; readonly signal: AbortSignal }): Promise<void>;
}
