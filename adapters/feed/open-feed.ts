import type { Adapter, MaintainInput } from '../contract/index.js';
import { closedError } from '../gate.js';
import type { ChangeLog, NewChange } from './change-log.js';
import { type DurableLogOptions, openDurableLog } from './durable-log.js';
import { keepJournal } from './journal.js';
import { isAsTold } from './news.js';
import { goneBucket } from './outcomes.js';
import { createReconciler, type Reconciler } from './reconciler.js';
import { createResolver } from './resolver.js';
import { createWriteOrder, type WriteOrder } from './write-order.js';

export interface FeedOptions extends Omit<DurableLogOptions, 'adapter'> {
  readonly reconcile_interval_ms: number;
}

/** What is known of a feed, for operators. */
export interface FeedStatus {
  readonly cursor: string | null;
  readonly changes_count: number;
  readonly inventory_count: number;
  readonly inventory_full: boolean;
  /** Writes whose effect is still to be found out. */
  readonly unresolved_count: number;
  readonly baseline_at_ms: number | null;
  readonly reconciled_at_ms: number | null;
  readonly reconciling: boolean;
  /** Kind of the error that stopped the last pass, or for which it left out a bucket. */
  readonly last_error: string | null;
}

/** A feed beside its adapter: sources of further changes come in by `log` and `order`. */
export interface Feed {
  readonly adapter: Adapter;
  readonly log: ChangeLog;
  readonly order: WriteOrder;
  readonly reconciler: Reconciler;
  /** The upstream tells of a write of ours: one whose answer never came may have taken effect late. */
  confirm(change: NewChange): void;
  /** The upstream tells of a write of others. */
  tell(change: NewChange): Promise<void>;
  /** Resolves when the writes of the last run are resolved and no pass is due. */
  settled(): Promise<void>;
  status(): FeedStatus;
}

/**
 * A durable, ordered change feed for an adapter whose upstream has none. Its own writes are in the feed before they are
 * acknowledged; what others write appears with the next pass of reconciliation.
 */
export function openFeed(upstream: Adapter, options: FeedOptions): Feed {
  const log = openDurableLog({ ...options, adapter: upstream.name });
  const order = createWriteOrder(upstream, log);
  const interval_ms = options.reconcile_interval_ms;
  const reconciler = createReconciler({ upstream, log, order, interval_ms });
  const onBehind = () => void reconciler.request().catch(() => undefined);
  const resolver = createResolver({ upstream, log, order, onOverflow: onBehind });
  const journal = keepJournal({ upstream, log, order, resolver, onBehind });
  for (const intent of log.intents(Number.MAX_SAFE_INTEGER)) resolver.add(intent);
  reconciler.start();

  async function close(): Promise<void> {
    await journal.close();
    log.close();
    await Promise.all([resolver.close(), reconciler.close()]);
    await order.flush();
    // Behind it nothing waits to be written.
    await log.write({});
    await upstream.close();
  }
  let closing: Promise<void> | undefined;
  const adapter: Adapter = {
    ...journal.adapter,
    readChanges: async ({ after, limit, signal }) => {
      signal?.throwIfAborted();
      if (closing !== undefined) throw closedError();
      return log.read(after, limit);
    },
    waitForChange: ({ after, signal }) => log.wait(after, signal),
    maintain: (input: MaintainInput) => upstream.maintain(input),
    close: () => {
      closing ??= close();
      return closing;
    },
  };
  return {
    adapter,
    log,
    order,
    reconciler,
    confirm(change) {
      const { bucket, key } = change;
      // Of a write under way the journal will say what became of it.
      if (!order.isBusy(bucket, key) && !isAsTold(log, change)) resolver.check(bucket, key);
    },
    tell(change) {
      const { type, bucket, key } = change;
      const gone = type === 'bucket_deleted' ? goneBucket(log, bucket) : [change];
      if (gone === undefined) return reconciler.request();
      return order.tell(
        bucket,
        key,
        gone.map((one) => ({ ...one, notified: true })),
      );
    },
    async settled() {
      await resolver.idle();
      await reconciler.idle();
      await order.flush();
    },
    status() {
      const { baseline_at_ms, reconciled_at_ms } = log.state();
      return {
        ...log.status(),
        unresolved_count: resolver.pending_count,
        baseline_at_ms,
        reconciled_at_ms,
        reconciling: reconciler.running,
        last_error: reconciler.last_error,
      };
    },
  };
}
