import { LIMITS } from '../../config/limits.js';
import { type Adapter, type ErrorKind, isStoreError, isTransient } from '../contract/index.js';
import { backoffMs } from './backoff.js';
import type { ChangeLog, NewChange, Pass } from './change-log.js';
import { bucketThere, byBytes, compare, deleteOf, type SeenPage, seePages } from './observe.js';
import { bucketChange } from './outcomes.js';
import type { Watch, WriteOrder } from './write-order.js';

/**
 * Compares what is upstream with what the feed has told of, bucket by bucket in sorted order, and tells of what others did.
 * It remembers how far it has come, so that a restart goes on there. The first pass tells nothing: it learns what was there
 * before the feed began.
 */
export interface Reconciler {
  /** Something may have been missed: a pass begins now, or when the one under way has ended. Durable when it resolves. */
  request(): Promise<void>;
  /** Resolves when there is no pass to do now. */
  idle(): Promise<void>;
  readonly running: boolean;
  /** Kind of the error that stopped the last pass, or for which it left out a bucket. */
  readonly last_error: string | null;
  start(): void;
  close(): Promise<void>;
}

export interface ReconcilerOptions {
  readonly upstream: Adapter;
  readonly log: ChangeLog;
  readonly order: WriteOrder;
  readonly interval_ms: number;
}

/** Changes that one commit may bring. */
const BATCH = 1_000;

export function createReconciler(options: ReconcilerOptions): Reconciler {
  const { log, interval_ms } = options;
  const closing = new AbortController();
  let running: Promise<void> | null = null;
  let timer: NodeJS.Timeout | null = null;
  let failures = 0;
  let last_error: string | null = null;
  let idlers: (() => void)[] = [];

  function isDue(): boolean {
    const { pass, pass_wanted, baseline_at_ms, reconciled_at_ms } = log.state();
    if (pass !== null || pass_wanted || baseline_at_ms === null || reconciled_at_ms === null) return true;
    return Date.now() >= reconciled_at_ms + interval_ms;
  }

  function schedule(): void {
    if (closing.signal.aborted || running !== null) return;
    if (timer !== null) clearTimeout(timer);
    const due = isDue();
    if (!due) release();
    const next_ms = (log.state().reconciled_at_ms ?? 0) + interval_ms - Date.now();
    const wait_ms = due ? backoffMs(failures) : Math.min(Math.max(next_ms, 0), 2 ** 31 - 1);
    timer = setTimeout(run, wait_ms).unref();
  }

  function release(): void {
    for (const go of idlers) go();
    idlers = [];
  }

  function run(): void {
    timer = null;
    running = onePass(options, closing.signal)
      .then((left_out) => {
        failures = 0;
        last_error = left_out;
      })
      .catch((error: unknown) => {
        failures += 1;
        if (!closing.signal.aborted) last_error = isStoreError(error) ? error.kind : 'unexpected';
      })
      .finally(() => {
        running = null;
        schedule();
      });
  }

  return {
    async request() {
      await log.write({ state: { pass_wanted: true } });
      schedule();
    },
    idle() {
      if (closing.signal.aborted || (running === null && !isDue())) return Promise.resolve();
      return new Promise((resolve) => idlers.push(resolve));
    },
    get running() {
      return running !== null;
    },
    get last_error() {
      return last_error;
    },
    start: schedule,
    async close() {
      closing.abort();
      if (timer !== null) clearTimeout(timer);
      await running;
      release();
    },
  };
}

/** Of an error for which a bucket was left out the kind. */
async function onePass(options: ReconcilerOptions, signal: AbortSignal): Promise<ErrorKind | null> {
  const { log } = options;
  let { pass } = log.state();
  if (pass === null) {
    const baseline = log.state().baseline_at_ms === null;
    pass = { started_at_ms: Date.now(), baseline, bucket: '', key: null };
    // Whatever asked for a pass is answered by one that begins now.
    await log.write({ state: { pass, pass_wanted: false } });
  }
  const nextBucket = walkBuckets(options, signal);
  let place = pass;
  for (;;) {
    signal.throwIfAborted();
    const bucket = place.key === null ? await nextBucket(place.bucket) : place.bucket;
    if (bucket === null) break;
    const left_out = await reconcileBucket(options, { ...place, bucket }, signal).then(
      () => undefined,
      (error: unknown) => lastingKind(error, signal),
    );
    place = { ...place, bucket, key: null, ...(left_out !== undefined && { left_out }) };
    await log.write({ state: { pass: place } });
  }
  const { baseline, started_at_ms, left_out = null } = place;
  // Whoever read before the inventory was complete may have missed what others deleted meanwhile.
  const mark_gap = baseline || left_out !== null || log.status().inventory_full;
  const ended = { pass: null, reconciled_at_ms: started_at_ms };
  await log.write({ mark_gap, state: baseline ? { ...ended, baseline_at_ms: Date.now() } : ended });
  return left_out;
}

/**
 * One bucket that is forbidden, of another region or damaged must not keep the pass from all the others. What passes by
 * itself, and the end of the process, ends the pass, which goes on there.
 */
function lastingKind(error: unknown, signal: AbortSignal): ErrorKind {
  if (signal.aborted || !isStoreError(error) || isTransient(error)) throw error;
  return error.kind;
}

/** Buckets that are listed together. */
const BUCKETS = 100;

/** The first bucket behind a name that is there, or that was. */
function walkBuckets({ upstream, log }: ReconcilerOptions, signal: AbortSignal) {
  let page: readonly string[] = [];
  let more = true;
  return async (after: string): Promise<string | null> => {
    page = page.filter((name) => byBytes(name, after) > 0);
    if (page.length === 0 && more) {
      const listed = await upstream.listBuckets({ ...(after !== '' && { after }), limit: BUCKETS, signal });
      page = listed.buckets.map(({ name }) => name);
      more = listed.next !== null;
    }
    return [...page.slice(0, 1), ...log.buckets(after, 1)].sort(byBytes)[0] ?? null;
  };
}

async function reconcileBucket(options: ReconcilerOptions, pass: Pass, signal: AbortSignal): Promise<void> {
  const { upstream, log, order } = options;
  const { bucket } = pass;
  const watch = order.watch();
  try {
    const there = await bucketThere(upstream, bucket, signal);
    if (there === null) return await tellGone(options, pass, watch);
    const known = log.bucket(bucket);
    const { versioning } = there;
    if (known === undefined)
      await tell(options, pass, watch, [bucketChange('bucket_created', bucket, versioning)]);
    else if (known.versioning === null)
      await learn(options, watch, bucketChange('bucket_changed', bucket, versioning));
    else if (known.versioning !== versioning)
      await tell(options, pass, watch, [bucketChange('bucket_changed', bucket, versioning)]);
  } finally {
    watch.end();
  }
  await reconcileObjects(options, pass, signal);
}

async function reconcileObjects(options: ReconcilerOptions, pass: Pass, signal: AbortSignal): Promise<void> {
  const { upstream, log, order } = options;
  const { bucket } = pass;
  const versions_max = LIMITS.feed_versions_of_key_max;
  const pages = seePages(upstream, bucket, { after: pass.key, versions_max, signal });
  let after = pass.key;
  for (;;) {
    // What is written while a page is on its way may or may not be on it: its own change tells.
    const watch = order.watch();
    try {
      const page = await pages.next().catch(asGone);
      if (page.done === true) return;
      const { through } = page.value;
      await tellPage(options, pass, watch, page.value, log.versions(bucket, after, through));
      if (through !== null) await log.write({ state: { pass: { ...pass, key: through } } });
      after = through;
    } finally {
      watch.end();
    }
    if (after === null) return;
  }
}

/** The bucket was deleted in the meantime: the next pass sees that. */
function asGone(error: unknown): { done: true; value: undefined } {
  if (isStoreError(error, 'not_found')) return { done: true, value: undefined };
  throw error;
}

async function tellPage(
  options: ReconcilerOptions,
  pass: Pass,
  watch: Watch,
  { versions: seen, partial }: SeenPage,
  known: ReturnType<ChangeLog['versions']>,
): Promise<void> {
  const { log } = options;
  let changes: NewChange[] = [];
  let exact: NewChange[] = [];
  const flush = async () => {
    await tell(options, pass, watch, changes);
    if (exact.length > 0) await log.write({ changes: exact, silent: true, admit: untouched(log, watch) });
    changes = [];
    exact = [];
  };
  for (const difference of compare(pass.bucket, seen, known)) {
    changes.push(...difference.changes.filter(({ type }) => partial !== true || type !== 'delete'));
    exact.push(...difference.exact);
    if (changes.length + exact.length >= BATCH) await flush();
  }
  await flush();
}

/** Of a bucket that is gone all is gone. */
async function tellGone(options: ReconcilerOptions, pass: Pass, watch: Watch): Promise<void> {
  const { bucket } = pass;
  let changes: NewChange[] = [];
  for (const version of options.log.versions(bucket, null, null)) {
    changes.push(deleteOf(bucket, version));
    if (changes.length < BATCH) continue;
    await tell(options, pass, watch, changes);
    changes = [];
  }
  await tell(options, pass, watch, [...changes, bucketChange('bucket_deleted', bucket)]);
}

/** Nor in a bucket that was deleted since the listing was asked for. */
const untouched = (log: ChangeLog, watch: Watch) => (change: NewChange) =>
  !watch.has(change.bucket, change.key) && (change.key === '' || log.bucket(change.bucket) !== undefined);

async function tell({ log }: ReconcilerOptions, pass: Pass, watch: Watch, changes: readonly NewChange[]) {
  if (changes.length === 0) return;
  // Of what does not fit into the inventory nobody knows whether it was told of already.
  const { inventory_full } = log.status();
  const fresh = inventory_full ? changes.filter((change) => isKnown(log, change)) : changes;
  await log.write({ changes: fresh, silent: pass.baseline, admit: untouched(log, watch) });
}

function isKnown(log: ChangeLog, { bucket, key, version_id }: NewChange): boolean {
  return key === '' || log.known(bucket, key, version_id) !== undefined;
}

async function learn({ log }: ReconcilerOptions, watch: Watch, change: NewChange): Promise<void> {
  await log.write({ changes: [change], silent: true, admit: untouched(log, watch) });
}
