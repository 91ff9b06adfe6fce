import { StoreError } from '../../contract/index.js';
import type { UsageBook } from '../usage-book.js';
import { type ChangeInput, encodeChange } from './change-records.js';
import { sequenceKey } from './keys.js';
import { META, type Tables } from './tables.js';

/** What an operation may use while it runs inside the transaction. */
export interface WriteTransaction {
  readonly now_ms: number;
  /** Rises with every call, across restarts. */
  nextSequence(): number;
  /** Adds to the counters of a bucket and of the whole. */
  count(bucket_id: number, delta: UsageDelta): void;
  /** One entry of the change feed. */
  change(entry: ChangeInput): void;
  /** Runs once the transaction is durable, before the caller of any of its operations is answered. */
  afterCommit(work: () => void): void;
}

export interface UsageDelta {
  readonly objects?: number;
  readonly object_bytes?: number;
  readonly versions?: number;
  readonly stored_bytes?: number;
}

export interface Writer {
  /**
   * Runs `operation` inside a transaction that it shares with all that wait at the same time, and resolves with what it
   * returned when that is durable. An operation checks first and writes after: what it throws (a StoreError) reaches
   * its caller alone, and the others go on, so it must not have written anything by then.
   */
  run<Result>(operation: (transaction: WriteTransaction) => Result): Promise<Result>;
  /** Resolves when nothing is under way; further calls of `run` fail. */
  close(): Promise<void>;
  /** Calls `listener` after every commit that carried changes. */
  onChange(listener: (sequence: number) => void): void;
}

export interface WriterOptions {
  readonly tables: Tables;
  readonly usage: UsageBook;
  readonly now: () => number;
  /** The highest sequence that was given out before. */
  readonly sequence: number;
  /** Called once, with the first commit that failed: what is durable is no longer known, so the process must end. */
  readonly on_fatal: (error: unknown) => void;
}

interface Waiting {
  readonly operation: (transaction: WriteTransaction) => unknown;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
  result: unknown;
  error: unknown;
  failed: boolean;
}

/** LMDB hangs a second promise with the system's error on the first error; unhandled it would end the process its way. */
function silenceDetails(error: unknown): void {
  if (typeof error !== 'object' || error === null || !('commitError' in error)) return;
  if (error.commitError instanceof Promise) error.commitError.catch(() => undefined);
}

/**
 * LMDB makes one promise more for the batch of an event turn, in a setImmediate, and hands it to no one: unhandled, it
 * would end the process its way when the commit fails. Ours comes right behind and holds it.
 */
function silenceBatch({ env }: Tables): void {
  setImmediate(() => {
    env.committed.then(undefined, () => undefined);
  });
}

/** How long a failed index waits for its open transactions before it is reported. */
const SETTLE_MS_MAX = 10_000;

/** Operations of one transaction: bounds how long the event loop is held. */
const BATCH_MAX = 512;

/**
 * Group commit: while one transaction is being synced, operations queue up; the next takes them all. A sync costs the
 * same for one write as for many, so throughput rises with the number of clients while each waits for two syncs at most.
 */
export function createWriter(options: WriterOptions): Writer {
  const { tables, usage, now } = options;
  let queue: Waiting[] = [];
  let scheduled = false;
  let open_batches = 0;
  let sequence = options.sequence;
  let state: 'open' | 'closed' | 'failed' = 'open';
  const listeners: ((sequence: number) => void)[] = [];
  const idle: (() => void)[] = [];

  let now_ms = 0;
  let changed = 0;
  let hooks: (() => void)[] = [];
  const transaction: WriteTransaction = {
    get now_ms() {
      return now_ms;
    },
    nextSequence() {
      sequence += 1;
      return sequence;
    },
    count: (bucket_id, delta) => usage.add(bucket_id, delta),
    change(entry) {
      void tables.changes.put(sequenceKey(entry.sequence), encodeChange(entry, now_ms));
      changed = entry.sequence;
    },
    afterCommit(work) {
      hooks.push(work);
    },
  };

  function runOne(waiting: Waiting): void {
    try {
      waiting.result = waiting.operation(transaction);
    } catch (error) {
      waiting.failed = true;
      waiting.error = error;
      if (error instanceof StoreError) return;
      // Anything but a refusal may have left half an operation in the transaction, and LMDB commits it whether or not
      // the callback throws: the process has to end before it does.
      report(error);
      throw error;
    }
  }

  function runBatch(batch: Waiting[]): { changed: number; hooks: (() => void)[] } {
    now_ms = now();
    changed = 0;
    hooks = [];
    const before = sequence;
    for (const waiting of batch) runOne(waiting);
    usage.write(tables);
    if (sequence !== before) void tables.meta.put(META.sequence, sequence);
    return { changed, hooks };
  }

  function takeBatch(): Waiting[] {
    const batch = queue.length <= BATCH_MAX ? queue : queue.slice(0, BATCH_MAX);
    queue = queue.length <= BATCH_MAX ? [] : queue.slice(BATCH_MAX);
    scheduled = queue.length > 0;
    // Not here and now: a transaction asked for inside another one would become a part of it.
    if (scheduled) queueMicrotask(schedule);
    return batch;
  }

  async function commit(): Promise<void> {
    let batch: Waiting[] = [];
    open_batches += 1;
    try {
      const committed = tables.env.transaction(() => {
        batch = takeBatch();
        if (state === 'failed')
          throw new StoreError('unavailable', 'the index failed', { subject: 'adapter' });
        return runBatch(batch);
      });
      silenceBatch(tables);
      const outcome = await committed;
      for (const hook of outcome.hooks) hook();
      settle(batch);
      if (outcome.changed > 0) for (const listener of listeners) listener(outcome.changed);
    } catch (error) {
      fail(error, batch);
    } finally {
      open_batches -= 1;
      if (open_batches === 0 && queue.length === 0) for (const resolve of idle.splice(0)) resolve();
    }
  }

  function schedule(): void {
    scheduled = true;
    void commit();
  }

  function settle(batch: readonly Waiting[]): void {
    for (const waiting of batch) {
      if (waiting.failed) waiting.reject(waiting.error);
      else waiting.resolve(waiting.result as never);
    }
  }

  function report(error: unknown): void {
    if (state === 'failed') return;
    state = 'failed';
    options.on_fatal(error);
  }

  /**
   * LMDB's thread may stand inside the next transaction, waiting for this one to run its callback, and a process that
   * exits waits for that thread: so the open transactions are let through first, each refused.
   */
  function reportWhenSettled(error: unknown): void {
    if (state === 'failed') return;
    state = 'failed';
    let reported = false;
    const end = () => {
      if (!reported) options.on_fatal(error);
      reported = true;
    };
    idle.push(end);
    setTimeout(end, SETTLE_MS_MAX).unref();
  }

  /** A commit is never tried again: after a failed sync the kernel may have dropped what it could not write. */
  function fail(error: unknown, batch: readonly Waiting[]): void {
    silenceDetails(error);
    reportWhenSettled(error);
    const refusal = new StoreError('unavailable', 'the index could not commit and takes no more writes', {
      subject: 'adapter',
      cause: error,
    });
    for (const waiting of [...batch, ...queue.splice(0)]) waiting.reject(refusal);
  }

  return {
    run(operation) {
      if (state !== 'open') {
        const text =
          state === 'closed' ? 'the adapter is closed' : 'the index failed and takes no more writes';
        return Promise.reject(new StoreError('unavailable', text, { subject: 'adapter' }));
      }
      return new Promise((resolve, reject) => {
        queue.push({ operation, resolve, reject, result: undefined, error: undefined, failed: false });
        if (!scheduled) schedule();
      });
    },
    close() {
      if (state === 'open') state = 'closed';
      if (open_batches === 0 && queue.length === 0) return Promise.resolve();
      return new Promise((resolve) => idle.push(resolve));
    },
    onChange(listener) {
      listeners.push(listener);
    },
  };
}
