import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { bytesOf, readAll, streamOf } from '../conformance/support/bytes.js';
import { rejection } from '../conformance/support/expect.js';
import { type OpenedAdapter, OWNER } from '../conformance/support/harness.js';
import type { Adapter } from '../contract/index.js';
import { openInFreshFolder } from '../local/testing/open-in-fresh-folder.js';
import { createBandwidth, limitBandwidth } from './bandwidth.js';
import { createFairBucket } from './fair-bucket.js';

let opened: OpenedAdapter;
const bucket = 'bucket';
const content = bytesOf(1, 1_000_000);

beforeAll(async () => {
  opened = await openInFreshFolder();
  await opened.adapter.createBucket({ bucket, owner: OWNER });
  await opened.adapter.putObject({ bucket, key: 'key', body: content, size_bytes: content.length });
});
afterAll(() => opened.close());
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const started_at_ms = performance.now();
  await work();
  return (performance.now() - started_at_ms) / 1000;
}

const upload = (store: Adapter, key: string, chunk_bytes: number) =>
  store.putObject({ bucket, key, body: streamOf(content, [chunk_bytes]), size_bytes: content.length });

describe('the bandwidth limit', () => {
  it('is in megabits a second, for both directions together', async () => {
    const store = limitBandwidth(opened.adapter, createBandwidth(16));
    // 4 MB at 2 MB a second.
    const taken = await seconds(() =>
      Promise.all([
        upload(store, 'a', 65_536),
        upload(store, 'b', 1_000),
        store.putObject({ bucket, key: 'c', body: content, size_bytes: content.length }),
        store.getObject({ bucket, key: 'key' }).then(async ({ body }) => {
          expect((await readAll(body)).equals(content)).toBe(true);
        }),
      ]),
    );
    expect(taken).toBeGreaterThan(2 * 0.95);
    // A busy machine may be late; it must not be much.
    expect(taken).toBeLessThan(2 * 1.25);
  });

  it('is kept within 5 % over ten seconds by a process that is busy with other things, and fairly', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    let now_ms = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now_ms);
    const flows = createFairBucket(1_000_000);
    const passed = [0, 0, 0];
    for (const [index, chunk_bytes] of [1_000, 10_000, 100_000].entries()) {
      const flow = flows.flow();
      void (async () => {
        while (now_ms < 10_000) {
          await flow.take(chunk_bytes);
          passed[index] = (passed[index] ?? 0) + chunk_bytes;
        }
      })();
    }
    // Timers come as late as that.
    for (let step = 0; now_ms < 10_000; step++) {
      await vi.runOnlyPendingTimersAsync();
      await new Promise(setImmediate);
      now_ms += [1, 30, 250, 290][step % 4] ?? 0;
    }
    const all = passed.reduce((sum, bytes) => sum + bytes);
    expect(all).toBeGreaterThan(10_000_000 * 0.95);
    expect(all).toBeLessThan(10_000_000 * 1.05);
    for (const bytes of passed) expect(Math.abs(bytes - all / 3)).toBeLessThan((all / 3) * 0.05);
  });

  it('saves no more for later than 5 % of ten seconds', async () => {
    let now_ms = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now_ms);
    const flows = createFairBucket(1_000_000);
    now_ms = 60_000;
    const flow = flows.flow();
    let passed = 0;
    while (flow.take(1_000) === undefined) passed += 1_000;
    expect(passed).toBeGreaterThan(0);
    expect(passed).toBeLessThanOrEqual(500_000);
  });

  it('lets a large chunk pass in pieces', async () => {
    const bandwidth = createBandwidth(16);
    const { body } = await limitBandwidth(
      {
        ...opened.adapter,
        getObject: async (input) => ({
          ...(await opened.adapter.getObject(input)),
          body: streamOf(content, [content.length]),
        }),
      },
      bandwidth,
    ).getObject({ bucket, key: 'key' });
    const sizes: number[] = [];
    for await (const chunk of body as AsyncIterable<Uint8Array>) sizes.push(chunk.length);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(content.length);
    // 50 ms of the rate.
    expect(Math.max(...sizes)).toBeLessThanOrEqual(100_000);
  });

  it('gives each transfer the same share, whatever the size of its chunks', async () => {
    const flows = createFairBucket(1_000_000);
    const passed = [0, 0, 0];
    const until_ms = performance.now() + 600;
    await Promise.all(
      [500, 20_000, 300_000].map(async (chunk_bytes, index) => {
        const flow = flows.flow();
        while (performance.now() < until_ms) {
          await flow.take(chunk_bytes);
          passed[index] = (passed[index] ?? 0) + chunk_bytes;
        }
      }),
    );
    const [small = 0, middle = 0, big = 0] = passed;
    // The big one's last chunk may end after the time.
    expect(small / middle).toBeGreaterThan(0.7);
    expect(small / middle).toBeLessThan(1.4);
    expect(Math.abs(big - small)).toBeLessThan(310_000);
    expect(big).toBeGreaterThan(0);
  });

  it('lets a newcomer in at once', async () => {
    const flows = createFairBucket(1_000_000);
    const old = flows.flow();
    await old.take(200_000);
    const later = old.take(300_000);
    const taken = await seconds(async () => flows.flow().take(10_000));
    expect(taken).toBeLessThan(0.15);
    await later;
  });

  it('ends a wait with its signal', async () => {
    const store = limitBandwidth(opened.adapter, createBandwidth(0.01));
    const controller = new AbortController();
    const reason = new Error('gone');
    const call = store.getObject({ bucket, key: 'key', signal: controller.signal });
    const read = call.then(({ body }) => readAll(body));
    setImmediate(() => controller.abort(reason));
    expect(await rejection(read)).toBe(reason);
  });
});
