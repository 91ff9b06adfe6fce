import { getEventListeners } from 'node:events';
import { Agent } from 'undici';
import { afterEach, expect, it, vi } from 'vitest';
import { LIMITS } from '../../config/limits.js';
import { failure } from '../conformance/support/expect.js';
import { exchange } from './exchange.js';

afterEach(() => {
  vi.useRealTimers();
});

/** One whose connections are all in use, for ever. */
class Busy extends Agent {
  override dispatch(): boolean {
    return false;
  }
}

function waitForConnection() {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const abort = new AbortController();
  const { signal } = abort;
  const request = {
    origin: 'http://host',
    path: '/',
    method: 'GET',
    headers: {},
    body: null,
    headersTimeout: undefined,
    reset: false,
  } as const;
  const waiting = exchange(new Busy(), request, signal);
  waiting.catch(() => undefined);
  expect([vi.getTimerCount(), getEventListeners(signal, 'abort').length]).toEqual([1, 1]);
  return { abort, waiting, left: () => [vi.getTimerCount(), getEventListeners(signal, 'abort').length] };
}

it('an abort before there is a connection leaves neither timer nor listener', async () => {
  const { abort, waiting, left } = waitForConnection();
  abort.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  expect(left()).toEqual([0, 0]);
});

it('nor does the end of the patience', async () => {
  const { waiting, left } = waitForConnection();
  vi.advanceTimersByTime(LIMITS.upstream_connection_wait_ms_max);
  await failure(waiting, 'throttled');
  expect(left()).toEqual([0, 0]);
});
