import { describe, expect, it, onTestFinished } from 'vitest';
import { createBlockPool } from './block-pool.js';
import { createHashLanes } from './hash-lanes.js';
import { content, digestOf } from './testing/blob-fixtures.js';

function openLanes(lanes_max: number) {
  const lanes = createHashLanes(lanes_max);
  onTestFinished(() => lanes.stop());
  return { lanes, pool: createBlockPool({ blocks_max: 4, shared: true }) };
}

describe('hash lanes', () => {
  it.each([1, 3])('keep many streams apart on %i workers', async (lanes_max) => {
    const { lanes, pool } = openLanes(lanes_max);
    const block = await pool.take();
    const streams = Array.from({ length: 6 }, () => lanes.open(['MD5', 'SHA1']));
    const seen: Buffer[][] = streams.map(() => []);
    for (let round = 1; round <= 3; round += 1) {
      for (const [index, stream] of streams.entries()) {
        const bytes = content(1_000 * round, index);
        block.bytes.set(bytes);
        await stream.update(block, bytes.length);
        seen[index]?.push(bytes);
      }
    }
    for (const [index, stream] of streams.entries()) {
      const whole = Buffer.concat(seen[index] ?? []);
      expect(await stream.digest()).toEqual([digestOf('md5', whole), digestOf('sha1', whole)]);
    }
    expect(lanes.streams).toBe(0);
  });

  it('answer what is under way when a stream is dropped, then forget it', async () => {
    const { lanes, pool } = openLanes(1);
    const block = await pool.take();
    const stream = lanes.open(['MD5']);
    const updates = [stream.update(block, 100), stream.update(block, 200)];
    stream.drop();
    stream.drop();
    expect(lanes.streams).toBe(1);
    await Promise.all(updates);
    expect(lanes.streams).toBe(0);
  });

  it('fail the streams of a worker that dies, and start another for the next', async () => {
    const { lanes, pool } = openLanes(1);
    const block = await pool.take();
    const broken = lanes.open(['no such algorithm']);
    const neighbour = lanes.open(['MD5']);
    await expect(broken.update(block, 1)).rejects.toMatchObject({ kind: 'unexpected' });
    await expect(neighbour.digest()).rejects.toMatchObject({ kind: 'unexpected' });
    broken.drop();
    expect(lanes.streams).toBe(0);
    const next = lanes.open(['MD5']);
    expect(await next.digest()).toEqual([digestOf('md5', Buffer.alloc(0))]);
  });

  it('are ready once the workers run, until they are stopped', async () => {
    const { lanes, pool } = openLanes(4);
    expect(lanes.ready).toBe(false);
    const started = lanes.start();
    expect(lanes.ready).toBe(false);
    await started;
    expect(lanes.ready).toBe(true);
    const block = await pool.take();
    const stream = lanes.open(['MD5']);
    await stream.update(block, 0);
    expect(await stream.digest()).toEqual([digestOf('md5', Buffer.alloc(0))]);
    await lanes.stop();
    expect(lanes.ready).toBe(false);
  });

  it('are done with starting when they are stopped meanwhile', async () => {
    const { lanes } = openLanes(2);
    const started = lanes.start();
    await lanes.stop();
    await started;
    expect(lanes.ready).toBe(false);
  });

  it('start again after they were stopped', async () => {
    const { lanes, pool } = openLanes(2);
    for (let round = 0; round < 2; round += 1) {
      const block = await pool.take();
      block.bytes.set(content(50));
      const stream = lanes.open(['SHA256']);
      await stream.update(block, 50);
      expect(await stream.digest()).toEqual([digestOf('sha256', content(50))]);
      pool.give(block);
      pool.trim();
      expect(pool.size).toBe(0);
      await lanes.stop();
    }
  });
});
