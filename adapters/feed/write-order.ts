import type { Adapter } from '../contract/index.js';
import type { ChangeLog, NewChange } from './change-log.js';
import { isNews } from './news.js';
import { deleteOf, headKey, putOf, type Seen } from './observe.js';

/**
 * Orders the changes of one key. Which of two writes that overlap came second only the upstream knows, so it is asked what
 * the key shows, and the change that says so goes last. Writes that do not overlap are told of as they end.
 */
export interface WriteOrder {
  enter(bucket: string, key: string): void;
  /** Ends what `enter` began. Durable when it resolves, unless the key's other writers have to be waited for. */
  leave(bucket: string, key: string, changes: readonly NewChange[], settle: readonly string[]): Promise<void>;
  /** Changes that others made, as the upstream told of them. */
  tell(bucket: string, key: string, changes: readonly NewChange[]): Promise<void>;
  /** Whether a write of ours is under way. */
  isBusy(bucket: string, key: string): boolean;
  /** Keys that are written, or told of, from now on; until it is disposed of. */
  watch(): Watch;
  /** Tells of everything that was held back. */
  flush(): Promise<void>;
}

export interface Watch {
  has(bucket: string, key: string): boolean;
  end(): void;
}

interface KeyState {
  readonly bucket: string;
  readonly key: string;
  writers: number;
  /** Changes on their way into the log: who writes now comes behind them. */
  committing: number;
  overlapped: boolean;
  held: NewChange[];
  settle: string[];
  settling: Promise<void> | null;
  timer: NodeJS.Timeout | null;
}

/** How long a change is held back for a writer that takes its time. */
const HOLD_MS_MAX = 1_000;

export function createWriteOrder(upstream: Adapter, log: ChangeLog): WriteOrder {
  const admit = (change: NewChange) => change.notified === undefined || isNews(log, change);
  const states = new Map<string, KeyState>();
  const watches = new Set<Set<string>>();
  const nameOf = (bucket: string, key: string) => `${bucket}/${key}`;
  const touch = (name: string) => {
    for (const watch of watches) watch.add(name);
  };

  function stateOf(bucket: string, key: string): KeyState {
    const name = nameOf(bucket, key);
    let state = states.get(name);
    if (state === undefined) {
      state = {
        bucket,
        key,
        writers: 0,
        committing: 0,
        overlapped: false,
        held: [],
        settle: [],
        settling: null,
        timer: null,
      };
      states.set(name, state);
    }
    return state;
  }

  /** One at a time for each key; what is held in the meantime is taken up by the same run. */
  function settle(state: KeyState): Promise<void> {
    state.settling ??= (async () => {
      try {
        while (state.held.length > 0 || state.settle.length > 0) {
          const held = state.held.splice(0);
          const ids = state.settle.splice(0);
          try {
            const changes = await inOrder(upstream, log, state, held);
            await log.write({ changes, settle: ids, admit });
          } catch (error) {
            state.held.unshift(...held);
            state.settle.unshift(...ids);
            throw error;
          }
        }
      } finally {
        state.settling = null;
        drop(state);
      }
    })();
    return state.settling;
  }

  function drop(state: KeyState): void {
    if (state.writers + state.committing > 0 || state.settling !== null) return;
    if (state.held.length + state.settle.length > 0) return;
    if (state.timer !== null) clearTimeout(state.timer);
    state.timer = null;
    states.delete(nameOf(state.bucket, state.key));
  }

  function hold(state: KeyState, changes: readonly NewChange[], ids: readonly string[]): void {
    state.held.push(...changes);
    state.settle.push(...ids);
    if (state.writers === 0) settleNow(state);
    else settleLater(state);
  }

  /**
   * A commit that the disk refuses ends the process: the state store sees to that. Where the transaction itself was given
   * up, nothing of it was written, and what is held waits for the next one.
   */
  function settleNow(state: KeyState): void {
    settle(state).catch(() => settleLater(state));
  }

  function settleLater(state: KeyState): void {
    state.timer ??= setTimeout(() => {
      state.timer = null;
      settleNow(state);
    }, HOLD_MS_MAX).unref();
  }

  return {
    enter(bucket, key) {
      const state = stateOf(bucket, key);
      state.writers += 1;
      if (state.writers > 1) state.overlapped = true;
      touch(nameOf(bucket, key));
    },
    async leave(bucket, key, changes, ids) {
      const state = stateOf(bucket, key);
      touch(nameOf(bucket, key));
      state.writers -= 1;
      if (state.overlapped) return hold(state, changes, ids);
      state.committing += 1;
      try {
        await log.write({ changes, settle: ids });
      } finally {
        state.committing -= 1;
        drop(state);
      }
    },
    async tell(bucket, key, changes) {
      touch(nameOf(bucket, key));
      const state = states.get(nameOf(bucket, key));
      if (state === undefined) return log.write({ changes, admit });
      state.overlapped = true;
      hold(state, changes, []);
    },
    isBusy: (bucket, key) => states.has(nameOf(bucket, key)),
    watch() {
      const names = new Set<string>(states.keys());
      watches.add(names);
      return {
        has: (bucket, key) => names.has(nameOf(bucket, key)),
        end: () => void watches.delete(names),
      };
    },
    async flush() {
      await Promise.all(Array.from(states.values(), (state) => settle(state)));
    },
  };
}

/** The change that made what the key shows goes last. Where none of them did, the feed says what is there. */
async function inOrder(
  upstream: Adapter,
  log: ChangeLog,
  state: KeyState,
  changes: NewChange[],
): Promise<NewChange[]> {
  const { bucket, key } = state;
  if (key === '' || !changes.some(({ type }) => type !== 'metadata')) return changes;
  const shown = await headKey(upstream, bucket, key);
  if (shown === undefined) return changes;
  const at = changes.findLastIndex((change) => shows(change, shown));
  if (at >= 0) return [...changes.slice(0, at), ...changes.slice(at + 1), ...changes.slice(at, at + 1)];
  // A writer who is under way may have made it: its own change will say so.
  if (state.writers > 0) return changes;
  if (shown !== null && shown.version_id !== 'null' && log.known(bucket, key, shown.version_id))
    return changes;
  if (shown !== null) return [...changes, { ...putOf(bucket, shown), modified_at_ms: null }];
  const last = changes.findLast(({ type }) => type === 'put');
  return last === undefined ? changes : [...changes, deleteOf(bucket, last)];
}

function shows(change: NewChange, shown: Seen | null): boolean {
  if (shown === null) return change.type === 'delete';
  if (change.version_id !== shown.version_id) return false;
  return shown.delete_marker
    ? change.type === 'delete_marker'
    : change.type === 'put' && change.etag === shown.etag;
}
