import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytesOf, createGate, readAll } from '../conformance/support/bytes.js';
import { failure, rejection } from '../conformance/support/expect.js';
import { type OpenedAdapter, OWNER } from '../conformance/support/harness.js';
import { openInFreshFolder } from '../local/testing/open-in-fresh-folder.js';
import { aroundCalls } from './around.js';
import { closeAfterCalls } from './closing.js';
import { type ConcurrencyOptions, limitConcurrency } from './concurrency.js';

let opened: OpenedAdapter;
const bucket = 'bucket';
const large = bytesOf(1, 3_000_000);

beforeAll(async () => {
  opened = await openInFreshFolder();
  await opened.adapter.createBucket({ bucket, owner: OWNER });
  await opened.adapter.putObject({ bucket, key: 'large', body: large, size_bytes: large.length });
});
afterAll(() => opened.close());

/** headBucket stays inside until the gate opens; `log` says who went in, in order. */
function limited(options: ConcurrencyOptions) {
  const gate = createGate();
  const log: string[] = [];
  let inside = 0;
  let inside_max = 0;
  const slow = aroundCalls(opened.adapter, async (method, input, run) => {
    inside_max = Math.max(inside_max, ++inside);
    log.push(method === 'headBucket' ? String((input as { name?: string }).name) : method);
    if (method === 'headBucket') await gate.opened;
    try {
      return await run(input);
    } finally {
      inside--;
    }
  });
  const store = closeAfterCalls(limitConcurrency({ ...slow, close: async () => undefined }, options));
  const call = (name: string, more = {}) => store.headBucket({ bucket, name, ...more } as { bucket: string });
  return { store, gate, log, call, insideMax: () => inside_max };
}

describe('the concurrency limit', () => {
  it('lets so many in, and the others in the order in which they came', async () => {
    const { call, gate, log, insideMax } = limited({ calls_max: 2 });
    const calls = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => call(name));
    await new Promise(setImmediate);
    expect(log).toEqual(['a', 'b']);
    gate.open();
    await Promise.all(calls);
    expect(log).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
    expect(insideMax()).toBe(2);
  });

  it('refuses when the queue is full or the wait is too long', async () => {
    const { call, gate } = limited({ calls_max: 1, queue_max: 1, wait_ms_max: 30 });
    const first = call('a');
    const second = call('b');
    await failure(call('c'), 'throttled', 'adapter');
    await failure(second, 'throttled', 'adapter');
    gate.open();
    await first;
    await call('d');
  });

  it('forgets who goes away while waiting', async () => {
    const { call, gate, log } = limited({ calls_max: 1 });
    const controller = new AbortController();
    const first = call('a');
    const second = call('b', { signal: controller.signal });
    const third = call('c');
    const reason = new Error('gone');
    controller.abort(reason);
    expect(await rejection(second)).toBe(reason);
    gate.open();
    await Promise.all([first, third]);
    expect(log).toEqual(['a', 'c']);
  });

  it('counts a body until its end, and one that is left in the middle until then', async () => {
    const { store, log } = limited({ calls_max: 1 });
    const address = { bucket, key: 'large' };
    const { body } = await store.getObject(address);
    const next = store.listObjects({ bucket, limit: 1 });
    const read = readAll(body);
    expect(log).toEqual(['getObject']);
    expect((await read).equals(large)).toBe(true);
    await next;
    const left = await store.getObject(address);
    const after = store.headObject(address);
    for await (const _chunk of left.body as AsyncIterable<Uint8Array>) break;
    await after;
    expect(log).toEqual(['getObject', 'listObjects', 'getObject', 'headObject']);
  });

  it('does not wait for ever for a body that nobody reads, and still reads it later', async () => {
    const { store } = limited({ calls_max: 1 });
    const { body } = await store.getObject({ bucket, key: 'large' });
    await store.headObject({ bucket, key: 'large' });
    expect((await readAll(body)).equals(large)).toBe(true);
  });

  it('closes after those who wait', async () => {
    const { store, call, gate, log } = limited({ calls_max: 1 });
    const calls = [call('a'), call('b'), call('c')];
    const closed = store.close();
    await failure(call('d'), 'unavailable', 'adapter');
    gate.open();
    await Promise.all([...calls, closed]);
    expect(log).toEqual(['a', 'b', 'c']);
  });
});
