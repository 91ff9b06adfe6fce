import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LIMITS } from '../../config/limits.js';
import { replyWhenReady } from './slow-reply.js';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test('quick work decides over status and headers', async () => {
  const finished = { headers: { etag: '"e"' }, body: '<Done/>' };
  await expect(replyWhenReady(Promise.resolve(finished))).resolves.toEqual({ status: 200, ...finished });
  expect(vi.getTimerCount()).toBe(0);
});

test('work that fails soon fails the request', async () => {
  await expect(replyWhenReady(Promise.reject(new Error('no such upload')))).rejects.toThrow('no such upload');
});

test('slow work goes on behind an answer that has begun', async () => {
  let finish: (value: { body: string }) => void = () => {};
  const reply = replyWhenReady(
    new Promise((resolve) => {
      finish = resolve;
    }),
  );
  await vi.advanceTimersByTimeAsync(LIMITS.slow_reply_after_ms);
  const { status, slow_body } = await reply;
  expect(status).toBe(200);
  finish({ body: '<Late/>' });
  await expect(slow_body).resolves.toBe('<Late/>');
});
