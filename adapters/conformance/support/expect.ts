import { expect } from 'vitest';
import { type ErrorKind, type ErrorSubject, isStoreError, type StoreError } from '../../contract/index.js';
import { difference } from './bytes.js';

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
