import { type ChangeWaiters, createChangeWaiters } from '../change-waiters.js';
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

export function openChangeWaiters({ tables, writer }: LocalContext): ChangeWaiters {
  const waiters = createChangeWaiters((after) => {
    const start = sequenceKey(parseCursor(after) + 1);
    for (const _key of tables.changes.getKeys({ start, limit: 1 })) return true;
    return false;
  });
  writer.onChange(waiters.wake);
  return waiters;
}
