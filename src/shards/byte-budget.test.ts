import { describe, expect, it } from 'vitest';
import { createByteBudget } from './byte-budget.js';

/** Whether what is waited for has come, once everything that could happen now has happened. */
async function settled(promise: Promise<void> | undefined): Promise<boolean> {
  let done = promise === undefined;
  promise?.then(() => {
    done = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  return done;
}

describe('a byte budget', () => {
  it('lets others wait when all is taken, and the oldest never', async () => {
    const budget = createByteBudget(100, 10_000);
    const [a, b, c] = [budget.open(), budget.open(), budget.open()];
    expect(a.take(50)).toBeUndefined();
    expect(b.take(50)).toBeUndefined();
    const more_for_b = b.take(10);
    const first_for_c = c.take(1);
    expect(await settled(more_for_b)).toBe(false);
    expect(a.take(50)).toBeUndefined();
    a.close();
    expect(await settled(more_for_b)).toBe(true);
    expect(await settled(first_for_c)).toBe(true);
    b.close();
    c.close();
    expect(budget.open().take(100)).toBeUndefined();
  });

  it('serves waiting requests by age', async () => {
    const budget = createByteBudget(100, 10_000);
    const accounts = Array.from({ length: 4 }, () => budget.open());
    for (const account of accounts) account.take(25);
    const [a, b, c, d] = accounts;
    const waits = [d?.take(25), c?.take(25), b?.take(25)];
    a?.close();
    expect(await Promise.all(waits.map(settled))).toEqual([false, false, true]);
    b?.close();
    expect(await Promise.all(waits.map(settled))).toEqual([true, true, true]);
  });

  it('gives up after its time, and what was taken comes back', async () => {
    const budget = createByteBudget(10, 5);
    const [a, b] = [budget.open(), budget.open()];
    a.take(10);
    await expect(b.take(5)).rejects.toMatchObject({ status: 503 });
    b.close();
    a.close();
    expect(budget.open().take(10)).toBeUndefined();
  });
});
