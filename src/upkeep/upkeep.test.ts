import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestNode, type TestNode, type TestNodeOptions } from '../shards/testing/node.js';
import { createCleanup } from './cleanup.js';
import type { UpkeepDeps, UpkeepEvent, UpkeepSettings } from './deps.js';
import { startSchedule } from './schedule.js';
import { createScrub } from './scrub.js';
import { createSweep } from './sweep.js';

const DAY_MS = 86_400_000;
let node: TestNode;
let now = Date.now();
let events: UpkeepEvent[];
beforeEach(() => {
  events = [];
  now = Date.now();
});
afterEach(() => node.close());

const start = async (options: TestNodeOptions = {}) => {
  node = await startTestNode({
    ...options,
    local: { now: () => now, inline_bytes_max: 0, ...options.local },
  });
};

const depsOf = (settings: Partial<UpkeepSettings> = {}): UpkeepDeps => ({
  store: node.store,
  state: node.state,
  verifications: node.verifications,
  logger: pino({ level: 'silent' }),
  observe: (event) => events.push(event),
  settings: {
    verification_interval_ms: DAY_MS,
    auto_cleanup_enabled: true,
    retention_ms: 30 * DAY_MS,
    ...settings,
  },
});

const put = (key: string, size_bytes: number, bucket = 'shards') =>
  node.store.putObject({ bucket, key, body: Buffer.alloc(size_bytes, key), size_bytes });

const never = new AbortController().signal;

/** Flips a byte of the one blob file that holds this content. */
async function spoil(content: Buffer): Promise<void> {
  const files = await readdir(join(node.folder, 'disk'), { recursive: true, withFileTypes: true });
  for (const file of files.filter((entry) => entry.isFile())) {
    const path = join(file.parentPath, file.name);
    const bytes = await readFile(path);
    if (!bytes.equals(content)) continue;
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    await writeFile(path, bytes);
    return;
  }
  throw new Error('no file holds this content');
}

describe('the scrub', () => {
  it('verifies every version, notes shards, and finds what is corrupt', async () => {
    await start();
    await node.store.createBucket({ bucket: 'other', owner: 'me' });
    await node.store.putVersioning({ bucket: 'other', versioning: 'enabled' });
    await put('twice', 1_000, 'other');
    await put('twice', 2_000, 'other');
    await put('good', 3_000);
    await put('bad', 4_000);
    await spoil(Buffer.alloc(4_000, 'bad'));
    const scrub = createScrub(depsOf());
    await scrub.run(never);
    expect(scrub.state()).toMatchObject({
      objects_count: 4,
      bytes: 10_000,
      corrupt_count: 1,
      finished_at_ms: expect.any(Number),
    });
    expect(events.filter((event) => event.type === 'verified' && !event.intact)).toHaveLength(1);
    const { json } = await node.call('GET', '/api/v1/shards?prefix=good');
    expect(json.shards[0]).toMatchObject({ verification_count: 1 });
    expect((await node.call('GET', '/api/v1/shards/bad')).status).toBe(404);
    expect((await node.call('GET', '/api/v1/shards/good')).status).toBe(200);
  });

  it('goes on where it was interrupted', async () => {
    await start({ local: { inline_bytes_max: 4_096 } });
    await Promise.all(
      Array.from({ length: 250 }, (_, index) => put(`k${String(index).padStart(3, '0')}`, 10)),
    );
    const controller = new AbortController();
    let seen = 0;
    const first = createScrub({
      ...depsOf(),
      observe: () => {
        seen++;
        if (seen === 150) controller.abort();
      },
    });
    await expect(first.run(controller.signal)).rejects.toThrow();
    expect(first.state()).toMatchObject({ objects_count: 100, finished_at_ms: null });
    const second = createScrub(depsOf());
    expect(second.unfinished?.()).toBe(true);
    await second.run(never);
    expect(events).toHaveLength(150);
    expect(second.state()).toMatchObject({ objects_count: 250, corrupt_count: 0 });
    expect(second.unfinished?.()).toBe(false);
  });

  it('forgets verifications of shards that are gone', async () => {
    await start();
    await node.put('kept', 'x');
    await node.put('removed', 'y');
    await node.call('GET', '/api/v1/shards/kept');
    await node.call('GET', '/api/v1/shards/removed');
    await node.verifications.flush();
    await node.store.deleteObject({ bucket: 'shards', key: 'removed' });
    await createScrub(depsOf()).run(never);
    expect(node.state.table('verifications').count()).toBe(1);
  });
});

describe('a corrupt shard', () => {
  it('is never returned as good, and is whole again once it is stored anew', async () => {
    await start();
    for (const size of [5_000, 3_000_000]) {
      const data = Buffer.alloc(size, `content ${size}`);
      const path = `/api/v1/shards/s${size}`;
      await node.put(`s${size}`, data);
      await spoil(data);
      const found = await node.call('GET', path);
      expect(found).toMatchObject({ status: 404, json: { detail: 'Shard not found' } });
      const raw = await node.call('GET', path, { headers: { accept: 'application/octet-stream' } });
      expect(raw.status).toBe(404);
      expect((await node.put(`s${size}`, data)).status).toBe(200);
      const again = await node.call('GET', path);
      expect(again.status).toBe(200);
      expect(Buffer.from(again.json.shard_data, 'base64').equals(data)).toBe(true);
    }
    expect(node.events.filter(({ type }) => type === 'corrupt')).toHaveLength(4);
  });
});

describe('cleanup', () => {
  const ids = async () =>
    (await node.call('GET', '/api/v1/shards')).json.shards.map(
      ({ shard_id }: { shard_id: string }) => shard_id,
    );

  /** Shards of 100 bytes, each a day older than the next. */
  const putByAge = async (days: Readonly<Record<string, number>>) => {
    const today = now;
    for (const [key, age] of Object.entries(days)) {
      now = today - age * DAY_MS;
      await put(key, 100);
    }
    now = today;
  };

  it('removes the oldest beyond the retention, and no more than needed', async () => {
    await start();
    await putByAge({ a40: 40, b60: 60, c29: 29, d50: 50, e31: 31 });
    const { makeRoom } = createCleanup(depsOf());
    expect(await makeRoom(150)).toBe(200);
    expect(await ids()).toEqual(['a40', 'c29', 'e31']);
    expect(await makeRoom(1_000)).toBe(200);
    expect(await ids()).toEqual(['c29']);
    expect(await makeRoom(1)).toBe(0);
    expect(events.filter(({ type }) => type === 'cleaned_up')).toHaveLength(4);
  });

  it('removes those with a copy elsewhere first, younger ones never', async () => {
    await start();
    await putByAge({ old: 90, copied: 40, 'young-copied': 5 });
    const hasVerifiedCopy = async ({ key }: { key: string }) => key.includes('copied');
    const { makeRoom } = createCleanup({ ...depsOf(), hasVerifiedCopy });
    await makeRoom(1);
    expect(await ids()).toEqual(['old', 'young-copied']);
    await makeRoom(1_000);
    expect(await ids()).toEqual(['young-copied']);
  });

  it('touches nothing but shards, nothing replaced meanwhile, and nothing when it is disabled', async () => {
    await start();
    await putByAge({ old: 90, replaced: 80 });
    await node.store.createBucket({ bucket: 'other', owner: 'me' });
    const today = now;
    now = today - 400 * DAY_MS;
    await put('ancient', 100, 'other');
    now = today;
    const disabled = createCleanup(depsOf({ auto_cleanup_enabled: false }));
    expect(await disabled.makeRoom(1)).toBe(0);
    const { makeRoom } = createCleanup(depsOf());
    expect(await makeRoom(1)).toBe(100);
    await put('replaced', 100);
    expect(await makeRoom(1_000)).toBe(0);
    expect(await ids()).toEqual(['replaced']);
    expect((await node.store.headObject({ bucket: 'other', key: 'ancient' })).info.size_bytes).toBe(100);
  });

  it('does not walk over all shards for each request that finds no room', async () => {
    await start();
    await putByAge({ young: 1 });
    let walks = 0;
    const store: typeof node.store = {
      ...node.store,
      listVersions: (input) => {
        walks++;
        return node.store.listVersions(input);
      },
    };
    const { makeRoom } = createCleanup({ ...depsOf(), store });
    for (let round = 0; round < 10; round++) expect(await makeRoom(1)).toBe(0);
    expect(walks).toBe(1);
  });

  it('makes room for a store call that finds none', async () => {
    let makeRoom: (bytes: number) => Promise<unknown> = async () => 0;
    await start({ quota_bytes: 300, makeRoom: (bytes) => makeRoom(bytes) });
    makeRoom = createCleanup(depsOf()).makeRoom;
    await putByAge({ old: 90, young: 1 });
    expect((await node.put('fits', Buffer.alloc(200))).status).toBe(200);
    expect(await ids()).toEqual(['fits', 'young']);
    expect((await node.put('full', Buffer.alloc(1))).status).toBe(507);
  });
});

describe('the schedule', () => {
  it('runs what is due, tries again what failed, and ends what runs when it is stopped', async () => {
    await start();
    const runs: string[] = [];
    const running = new EventTarget();
    const begun = once(running, 'begun');
    await node.state.table('upkeep_runs').put('due', { finished_at_ms: Date.now() - 10_000 });
    const schedule = startSchedule(
      [
        {
          name: 'due',
          interval_ms: 1_000,
          run: async (signal) => {
            runs.push('due');
            running.dispatchEvent(new Event('begun'));
            await once(signal, 'abort');
            signal.throwIfAborted();
          },
        },
        { name: 'later', interval_ms: DAY_MS, run: async () => void runs.push('later') },
      ],
      node.state,
      pino({ level: 'silent' }),
    );
    await begun;
    await schedule.stop();
    expect(runs).toEqual(['due']);
    const table = node.state.table<{ finished_at_ms: number }>('upkeep_runs');
    expect(table.get('due')?.finished_at_ms).toBeLessThan(Date.now() - 9_000);
    expect(table.get('later')?.finished_at_ms).toBeGreaterThan(Date.now() - 9_000);
  });
});

describe('the sweep', () => {
  it('removes content that nothing refers to any more', async () => {
    await start({ local: { garbage_grace_ms: 0 } });
    await put('gone', 100_000);
    await node.store.deleteObject({ bucket: 'shards', key: 'gone' });
    now += 1;
    const sweep = createSweep(depsOf());
    now = Date.now() + DAY_MS;
    await sweep.run(never);
    expect(events.filter(({ type }) => type === 'swept')).toHaveLength(1);
  });
});
