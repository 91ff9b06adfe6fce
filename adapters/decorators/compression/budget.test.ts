import { expect, it } from 'vitest';
import { rejection } from '../../conformance/support/expect.js';
import { createBudget } from './budget.js';

const LONG_MS = 600_000;

it('a budget is given out in order, and what does not fit yet holds up those behind it', async () => {
  const budget = createBudget(10, LONG_MS);
  const first = await budget.take(6);
  const order: string[] = [];
  const large = budget.take(10).then((release) => {
    order.push('large');
    return release;
  });
  const small = budget.take(1).then((release) => {
    order.push('small');
    return release;
  });
  first?.();
  first?.();
  (await large)?.();
  (await small)?.();
  expect(order).toEqual(['large', 'small']);
  const all = await budget.take(10);
  expect(all).toBeDefined();
});

it('who waits no longer does not hold up those behind', async () => {
  const budget = createBudget(10, LONG_MS);
  const held = await budget.take(6);
  const controller = new AbortController();
  const aborted = budget.take(10, controller.signal);
  const behind = budget.take(4);
  controller.abort(new Error('gone'));
  expect(await rejection(aborted)).toBe(controller.signal.reason);
  (await behind)?.();
  held?.();
  await expect(budget.take(1, AbortSignal.abort('late'))).rejects.toBe('late');
});

it('what is too large, or waits too long, gets nothing', async () => {
  const budget = createBudget(10, 1);
  expect(await budget.take(11)).toBeUndefined();
  const held = await budget.take(6);
  expect(await budget.take(5)).toBeUndefined();
  held?.();
  expect(await budget.take(5)).toBeDefined();
});
