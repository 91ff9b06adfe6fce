import { getEventListeners, once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Agent } from 'undici';
import { afterEach, expect, it, onTestFinished, vi } from 'vitest';
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

it('requests that were given up while they waited cost no connection', async () => {
  const held: ServerResponse[] = [];
  const server = createServer((_, response) => held.push(response));
  let connections = 0;
  server.on('connection', () => {
    connections += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const agent = new Agent({ connections: 1 });
  onTestFinished(async () => {
    await agent.destroy();
    server.close();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const send = (signal?: AbortSignal) =>
    exchange(agent, { origin, path: '/', method: 'GET', headers: {} }, signal);
  const answered = async (waiting: ReturnType<typeof send>) => {
    while (held.length === 0) await once(server, 'request');
    held.pop()?.end('yes');
    return Buffer.from(await (await waiting).body.whole(10)).toString();
  };
  const first = send();
  const abort = new AbortController();
  const given_up = Promise.allSettled([send(abort.signal), send(abort.signal), send(abort.signal)]);
  abort.abort(new Error('the client has gone'));
  expect((await given_up).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(await answered(first)).toBe('yes');
  expect(await answered(send())).toBe('yes');
  expect(connections).toBe(1);
});
