import type { ReadChangesInput, ReadChangesResult } from '../contract/index.js';
import { StoreError } from '../contract/index.js';
import type { LocalContext } from './context.js';
import { decodeChange } from './index/change-records.js';
import { readSequenceKey, sequenceKey } from './index/keys.js';
import { META } from './index/tables.js';

const CURSOR = /^\d{1,15}$/;

function parseCursor(cursor: string | null): number {
  if (cursor === null) return 0;
  if (CURSOR.test(cursor)) return Number(cursor);
  throw new StoreError('invalid', 'the cursor is not one of this change feed', { subject: 'adapter' });
}

export function readChanges(context: LocalContext, input: ReadChangesInput): ReadChangesResult {
  const after = parseCursor(input.after);
  const { tables } = context;
  const changes = [];
  let cursor = input.after;
  for (const { key, value } of tables.changes.getRange({
    start: sequenceKey(after + 1),
    limit: input.limit,
  })) {
    const change = decodeChange(readSequenceKey(key), value);
    changes.push(change);
    cursor = change.cursor;
  }
  const trimmed = tables.meta.get(META.trimmed) ?? 0;
  const ahead = after > (tables.meta.get(META.sequence) ?? 0);
  return { changes, cursor, gap: (input.after !== null && after < trimmed) || ahead };
}

export interface ChangeWaiters {
  wait(after: string | null, signal: AbortSignal): Promise<void>;
  /** Everyone goes on: the adapter is closed. */
  close(): void;
}

/** Waiting is free: nobody polls, the writer tells of each commit. */
export function createChangeWaiters(context: LocalContext): ChangeWaiters {
  const waiting = new Set<() => void>();
  let closed = false;

  function wake(): void {
    for (const go of waiting) go();
    waiting.clear();
  }
  context.writer.onChange(wake);

  function isNews(after: number): boolean {
    for (const _key of context.tables.changes.getKeys({ start: sequenceKey(after + 1), limit: 1 }))
      return true;
    return false;
  }

  return {
    wait(after, signal) {
      if (signal.aborted || closed || isNews(parseCursor(after))) return Promise.resolve();
      return new Promise((resolve) => {
        const go = () => {
          signal.removeEventListener('abort', go);
          waiting.delete(go);
          resolve();
        };
        signal.addEventListener('abort', go, { once: true });
        waiting.add(go);
      });
    },
    close() {
      closed = true;
      wake();
    },
  };
}
