import { LIMITS } from '../../config/limits.js';
import { type Adapter, isTransient } from '../contract/index.js';
import { backoffMs } from './backoff.js';
import type { ChangeLog, NewChange, StoredIntent } from './change-log.js';
import { bucketThere, compare, seePages } from './observe.js';
import { bucketChange, goneBucket, metadataChange } from './outcomes.js';
import type { WriteOrder } from './write-order.js';

/** Finds out what became of writes whose answers never came: of the last run, of calls that timed out or were broken off. */
export interface Resolver {
  add(intent: StoredIntent): void;
  /** Compares one key with what was told of it. */
  check(bucket: string, key: string): void;
  /** Resolves when every write known so far has been looked at once. */
  idle(): Promise<void>;
  readonly pending_count: number;
  close(): Promise<void>;
}

interface Unresolved {
  readonly intent: StoredIntent;
  /** What was sent may take effect after the first look. */
  readonly looks: number;
  /** Looks that the upstream refused. */
  readonly refusals: number;
  readonly due_ms: number;
}

/** Of several reasons to compare a key the last one counts. */
const CHECK_AFTER_MS = 200;
/** While a write of the key is under way. */
const BUSY_MS = 500;

export interface ResolverOptions {
  readonly upstream: Adapter;
  readonly log: ChangeLog;
  readonly order: WriteOrder;
  /** More is unresolved than may be remembered, or looking is refused: only a whole pass finds what there is to find. */
  readonly onOverflow: () => void;
}

export function createResolver({ upstream, log, order, onOverflow }: ResolverOptions): Resolver {
  const waiting = new Map<string, Unresolved>();
  const closing = new AbortController();
  let idlers: (() => void)[] = [];
  let running: Promise<void> | null = null;
  let timer: NodeJS.Timeout | null = null;
  let failures = 0;

  const unseen = () => Array.from(waiting.values()).some(({ looks, refusals }) => looks + refusals === 0);
  const release = () => {
    if (unseen() && !closing.signal.aborted) return;
    for (const go of idlers) go();
    idlers = [];
  };

  function schedule(): void {
    if (closing.signal.aborted || running !== null || waiting.size === 0) return;
    if (timer !== null) clearTimeout(timer);
    const due_ms = Math.min(...Array.from(waiting.values(), (one) => one.due_ms));
    timer = setTimeout(start, Math.max(0, due_ms - Date.now())).unref();
  }

  function start(): void {
    timer = null;
    running = run().finally(() => {
      running = null;
      release();
      schedule();
    });
  }

  async function run(): Promise<void> {
    for (const one of Array.from(waiting.values())) {
      if (one.due_ms > Date.now()) continue;
      if (closing.signal.aborted) return;
      try {
        await look(one);
        failures = 0;
      } catch (error) {
        if (closing.signal.aborted) return;
        if (!isTransient(error)) {
          putBack(one);
          continue;
        }
        // The upstream is down: nothing can be found out now.
        failures += 1;
        const due_ms = Date.now() + backoffMs(failures);
        for (const [id, later] of waiting)
          waiting.set(id, { ...later, due_ms: Math.max(later.due_ms, due_ms) });
        return;
      }
    }
  }

  /** Behind the others: what the upstream refuses to say about one key must not hold up what it says about the rest. */
  function putBack(one: Unresolved): void {
    const { id } = one.intent;
    if (waiting.get(id) !== one) return;
    waiting.delete(id);
    const refusals = one.refusals + 1;
    if (refusals >= LIMITS.feed_lookups_of_write_max) leaveToPass(id);
    else waiting.set(id, { ...one, refusals, due_ms: Date.now() + backoffMs(refusals) });
  }

  /** The pass is asked for first, so that the one is never on disk without the other. */
  function leaveToPass(id: string): void {
    onOverflow();
    log.write({ settle: [id] }).catch(() => undefined);
  }

  async function look(one: Unresolved): Promise<void> {
    const { intent, looks } = one;
    const { bucket, key, id } = intent;
    const watch = order.watch();
    const put = (next: Unresolved) => {
      // Asked for again in the meantime, it begins anew.
      if (waiting.get(id) === one) waiting.set(id, next);
    };
    try {
      if (watch.has(bucket, key)) return put({ ...one, due_ms: Date.now() + BUSY_MS });
      const changes = await found(upstream, log, one, closing.signal);
      await log.write({ changes, admit: () => !watch.has(bucket, key) });
      // What was written meanwhile hid what was to be seen.
      if (watch.has(bucket, key)) return put({ ...one, due_ms: Date.now() + BUSY_MS });
      if (looks === 0) return put({ ...one, looks: 1, due_ms: Date.now() + LIMITS.feed_second_look_ms });
      await log.write({ settle: [id] });
      if (waiting.get(id) === one) waiting.delete(id);
    } finally {
      watch.end();
    }
  }

  return {
    add(intent) {
      if (waiting.size >= LIMITS.feed_unresolved_max) return leaveToPass(intent.id);
      waiting.set(intent.id, { intent, looks: 0, refusals: 0, due_ms: Date.now() });
      schedule();
    },
    check(bucket, key) {
      const id = `check ${bucket}/${key}`;
      if (waiting.size >= LIMITS.feed_unresolved_max) return onOverflow();
      const intent = { id, kind: 'object', bucket, key, at_ms: Date.now() } as const;
      waiting.set(id, { intent, looks: 1, refusals: 0, due_ms: Date.now() + CHECK_AFTER_MS });
      schedule();
    },
    idle() {
      if (!unseen() || closing.signal.aborted) return Promise.resolve();
      return new Promise((resolve) => idlers.push(resolve));
    },
    get pending_count() {
      return waiting.size;
    },
    async close() {
      closing.abort();
      if (timer !== null) clearTimeout(timer);
      await running;
      release();
    },
  };
}

async function found(
  upstream: Adapter,
  log: ChangeLog,
  { intent: { kind, bucket, key }, looks }: Unresolved,
  signal: AbortSignal,
): Promise<NewChange[]> {
  const there = await bucketThere(upstream, bucket, signal);
  const known = log.bucket(bucket) !== undefined;
  if (there === null) return known ? (goneBucket(log, bucket) ?? []) : [];
  const changes = known ? [] : [bucketChange('bucket_created', bucket, there.versioning)];
  if (kind === 'bucket' || (key === '' && looks > 0)) return changes;
  if (kind === 'bucket_settings')
    return [...changes, bucketChange('bucket_changed', bucket, there.versioning)];
  const differences = await keyDifferences(upstream, log, bucket, key, signal);
  if (kind !== 'metadata' || looks > 0) return [...changes, ...differences];
  const newest = Array.from(log.versionsOf(bucket, key)).at(-1);
  const about = metadataChange(bucket, key, newest?.version_id ?? 'null', newest);
  return [...changes, ...differences, about];
}

/** How the versions of one key differ from those that were told of. */
async function keyDifferences(
  upstream: Adapter,
  log: ChangeLog,
  bucket: string,
  key: string,
  signal: AbortSignal,
): Promise<NewChange[]> {
  const versions_max = LIMITS.feed_versions_of_key_max;
  const seen = [];
  let whole = true;
  for await (const page of seePages(upstream, bucket, { after: null, prefix: key, versions_max, signal })) {
    seen.push(...page.versions.filter((version) => version.key === key));
    if (page.partial === true) whole = false;
    // Keys that begin with this one come behind it.
    if (page.through !== null && page.through !== key) break;
  }
  const changes = Array.from(compare(bucket, seen, log.versionsOf(bucket, key))).flatMap(
    (one) => one.changes,
  );
  return whole ? changes : changes.filter(({ type }) => type !== 'delete');
}
