import { expect } from 'vitest';
import {
  type Adapter,
  type Deviation,
  type ErrorKind,
  type ErrorSubject,
  isStoreError,
  type StoreError,
} from '../../contract/index.js';
import { difference } from './bytes.js';
import type { Harness } from './harness.js';

/** The StoreError that the call must fail with; several kinds where the contract leaves the choice to the adapter. */
export async function failure(
  call: Promise<unknown>,
  kind: ErrorKind | readonly ErrorKind[],
  subject?: ErrorSubject | readonly ErrorSubject[],
): Promise<StoreError> {
  const error = await rejection(call);
  expect(isStoreError(error), `not a StoreError: ${String(error)}`).toBe(true);
  const storeError = error as StoreError;
  expect([kind].flat(), storeError.message).toContain(storeError.kind);
  if (subject !== undefined) expect([subject].flat(), storeError.message).toContain(storeError.subject);
  return storeError;
}

/** Whatever the call is rejected with. */
export async function rejection(call: Promise<unknown>): Promise<unknown> {
  let value: unknown;
  try {
    value = await call;
  } catch (error) {
    return error;
  }
  throw new Error(`expected a failure, but it resolved with ${JSON.stringify(value)}`);
}

export function expectBytes(actual: Uint8Array, expected: Uint8Array, about = 'content'): void {
  const differs = difference(actual, expected);
  if (differs !== null) expect.fail(`${about} ${differs}`);
}

/** An element that must be there. */
export function at<T>(list: readonly T[], index: number): T {
  const item = list.at(index);
  if (item === undefined) throw new Error(`no element ${index} in a list of ${list.length}`);
  return item;
}

/** Calls settled into winners and the errors of the others. */
export async function settle<T>(calls: readonly Promise<T>[]): Promise<{ won: T[]; lost: unknown[] }> {
  const won: T[] = [];
  const lost: unknown[] = [];
  for (const outcome of await Promise.allSettled(calls)) {
    if (outcome.status === 'fulfilled') won.push(outcome.value);
    else lost.push(outcome.reason);
  }
  return { won, lost };
}

/** Half of 10 to this power, in milliseconds, is how far the times of one write may be apart: five seconds. */
const TIME_DIGITS = -4;

/** What was told of a write, as a later look must show it, for stores that tell the time of a write only roughly. */
export function seenLater<Written extends { readonly modified_at_ms: number }>(
  { store }: Pick<Harness, 'store'>,
  written: Written,
): Written {
  if (!deviates(store, 'rough_write_times')) return written;
  return {
    ...written,
    modified_at_ms: expect.closeTo(written.modified_at_ms, TIME_DIGITS) as unknown as number,
  };
}

export function deviates(store: Adapter, deviation: Deviation): boolean {
  return store.capabilities.deviations?.includes(deviation) ?? false;
}
