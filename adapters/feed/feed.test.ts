import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Adapter, StoreError } from '../contract/index.js';
import { withFaults } from '../decorators/testing/faults.js';
import { type Feed, openFeed } from './open-feed.js';
import {
  BUCKET,
  type FeedBench,
  holdAnswers,
  openFeedBench,
  put,
  readAll,
  summary,
} from './testing/with-feed.js';

let bench: FeedBench;
beforeEach(async () => {
  bench = await openFeedBench();
  await bench.feed().settled();
});
afterEach(() => bench.close());

const bucket = BUCKET;
const OWNER = 'owner';

async function pass(feed: Feed): Promise<string[]> {
  await feed.reconciler.request();
  await feed.settled();
  return summary(await readAll(feed));
}

/** An upstream that carries out a call and then loses the answer, or never gets the request. */
function losing(method: 'putObject' | 'deleteObject' | 'createBucket', when: 'before' | 'after'): Adapter {
  return withFaults(bench.upstream, [{ method, kind: 'unavailable', when }]).adapter;
}

describe('writes without an answer', () => {
  it.each(['before', 'after'] as const)('are told of as they turn out (lost %s)', async (when) => {
    await bench.feed().adapter.createBucket({ bucket, owner: OWNER });
    await put(bench.feed().adapter, 'old');
    await bench.reopen({}, losing('putObject', when));
    await expect(put(bench.feed().adapter, 'new')).rejects.toThrow('injected');
    await bench.feed().settled();
    await bench.reopen({}, losing('deleteObject', when));
    await expect(bench.feed().adapter.deleteObject({ bucket, key: 'old' })).rejects.toThrow('injected');
    await bench.feed().settled();
    const told = summary(await readAll(bench.feed())).slice(2);
    expect(told).toEqual(when === 'after' ? ['put new', 'delete old'] : []);
  });

  it('of the last run are looked up at the start', async () => {
    await bench.feed().adapter.createBucket({ bucket, owner: OWNER });
    const { log } = bench.feed();
    const begin = (key: string) => [log.newIntent({ kind: 'object', bucket, key, at_ms: Date.now() })];
    // As a process leaves it that was killed after the upstream had the object, and before.
    await log.write({ begin: begin('there') });
    await put(bench.upstream, 'there');
    await log.write({ begin: begin('never sent') });
    const feed = await bench.reopen();
    await feed.settled();
    expect(summary(await readAll(feed)).slice(1)).toEqual(['put there']);
  });

  it('a bucket that was made is told of too', async () => {
    await bench.reopen({}, losing('createBucket', 'after'));
    await expect(bench.feed().adapter.createBucket({ bucket, owner: OWNER })).rejects.toThrow('injected');
    await bench.feed().settled();
    expect(summary(await readAll(bench.feed()))).toEqual(['bucket_created']);
  });
});

describe('reconciliation', () => {
  it('learns what was there before the feed began, and tells nothing of it', async () => {
    await bench.upstream.createBucket({ bucket, owner: OWNER });
    await put(bench.upstream, 'old');
    let begin = (): void => undefined;
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const upstream: Adapter = {
      ...bench.upstream,
      name: 'another',
      listBuckets: (input) => begun.then(() => bench.upstream.listBuckets(input)),
      close: async () => undefined,
    };
    const feed = openFeed(upstream, { store: bench.state, reconcile_interval_ms: 3_600_000 });
    await feed.adapter.createBucket({ bucket: 'another', owner: OWNER });
    const early = (await readAll(feed)).at(-1)?.cursor ?? '';
    begin();
    await feed.settled();
    expect(summary(await readAll(feed))).toEqual(['bucket_created']);
    // Who listed before all was known may have missed what others deleted since.
    const page = await feed.adapter.readChanges({ after: early, limit: 100 });
    expect(page).toMatchObject({ changes: [], gap: true });
    expect((await feed.adapter.readChanges({ after: page.cursor, limit: 100 })).gap).toBe(false);
    await feed.adapter.deleteObject({ bucket, key: 'old' });
    expect(summary(await readAll(feed))).toEqual(['bucket_created', 'delete old']);
    await feed.adapter.close();
  });

  it('tells of what others wrote and deleted, once', async () => {
    const { feed, upstream } = bench;
    await feed().adapter.createBucket({ bucket, owner: OWNER });
    for (const key of ['a', 'b', 'c']) await put(feed().adapter, key);
    await put(upstream, 'b', 'changed');
    await put(upstream, 'd/e', 'new');
    await upstream.deleteObject({ bucket, key: 'a' });
    await upstream.createBucket({ bucket: 'another', owner: OWNER });
    const ours = ['bucket_created', 'put a', 'put b', 'put c'];
    const theirs = ['bucket_created', 'delete a', 'put b', 'put d/e'];
    expect(await pass(feed())).toEqual([...ours, ...theirs]);
    expect(await pass(feed())).toEqual([...ours, ...theirs]);
  });

  it('tells of versions, markers and versioning, the newest last', async () => {
    const { feed, upstream } = bench;
    await feed().adapter.createBucket({ bucket, owner: OWNER });
    await upstream.putVersioning({ bucket, versioning: 'enabled' });
    await put(upstream, 'key', 'one');
    await put(upstream, 'key', 'two');
    await upstream.deleteObject({ bucket, key: 'key' });
    const told = ['bucket_created', 'bucket_changed', 'put key', 'put key', 'delete_marker key'];
    expect(await pass(feed())).toEqual(told);
    const versions = (await readAll(feed())).slice(2).map(({ version_id }) => version_id);
    await upstream.deleteObject({ bucket, key: 'key', version_id: versions[0] ?? '' });
    expect(await pass(feed())).toEqual([...told, 'delete key']);
    expect((await readAll(feed())).at(-1)?.version_id).toBe(versions[0]);
  });

  it('a bucket that was removed takes with it what others removed before', async () => {
    const { feed, upstream } = bench;
    await feed().adapter.createBucket({ bucket, owner: OWNER });
    await put(feed().adapter, 'a');
    await upstream.deleteObject({ bucket, key: 'a' });
    await feed().adapter.deleteBucket({ bucket });
    expect(summary(await readAll(feed())).slice(2)).toEqual(['delete a', 'bucket_deleted']);
    expect(feed().status().inventory_count).toBe(0);
  });

  it('a bucket that others removed takes its objects with it', async () => {
    const { feed, upstream } = bench;
    await feed().adapter.createBucket({ bucket, owner: OWNER });
    await put(feed().adapter, 'a');
    await upstream.deleteObject({ bucket, key: 'a' });
    await upstream.deleteBucket({ bucket });
    expect((await pass(feed())).slice(2)).toEqual(['delete a', 'bucket_deleted']);
  });

  it('goes on where it was when the node stopped', async () => {
    const { feed, upstream } = bench;
    await feed().adapter.createBucket({ bucket, owner: OWNER });
    const keys = Array.from({ length: 40 }, (_, n) => `key-${String(n).padStart(2, '0')}`);
    for (const key of keys) await put(upstream, key);
    let pages = 0;
    const stopping: Adapter = {
      ...upstream,
      capabilities: { ...upstream.capabilities, list_limit_max: 10 },
      listVersions: async (input) => {
        pages += 1;
        if (pages > 2) throw new StoreError('unavailable', 'down', { subject: 'adapter' });
        return upstream.listVersions(input);
      },
    };
    const stopped = await bench.reopen({}, stopping);
    await stopped.reconciler.request();
    await untilTrue(() => stopped.status().last_error === 'unavailable');
    const told = summary(await readAll(stopped)).length;
    expect(told).toBeGreaterThan(10);
    expect(told).toBeLessThan(40);
    const asked: (string | undefined)[] = [];
    const watched: Adapter = {
      ...upstream,
      listVersions: (input) => {
        if (input.prefix === undefined) asked.push(input.after?.key);
        return upstream.listVersions(input);
      },
    };
    const resumed = await bench.reopen({}, watched);
    await resumed.settled();
    expect(asked[0]).toMatch(/^key-/);
    expect(summary(await readAll(resumed)).slice(1)).toEqual(keys.map((key) => `put ${key}`));
  });

  it('leaves out a bucket that it may not read, says so, and tells of the others', async () => {
    const { upstream } = bench;
    for (const name of ['a-forbidden', bucket]) await upstream.createBucket({ bucket: name, owner: OWNER });
    const denied = () => new StoreError('access_denied', 'not yours', { subject: 'bucket' });
    const guarded: Adapter = {
      ...upstream,
      headBucket: async (input) => {
        if (input.bucket === 'a-forbidden') throw denied();
        return upstream.headBucket(input);
      },
    };
    const feed = await bench.reopen({}, guarded);
    const before = feed.status().cursor;
    await put(upstream, 'theirs');
    expect(await pass(feed)).toEqual(['bucket_created', 'put theirs']);
    expect(feed.status()).toMatchObject({ last_error: 'access_denied', reconciling: false });
    expect((await feed.adapter.readChanges({ after: before ?? '', limit: 100 })).gap).toBe(true);
    const healed = await bench.reopen();
    await pass(healed);
    expect(healed.status().last_error).toBe(null);
  });

  it('leaves alone what is written while it looks', async () => {
    const { upstream } = bench;
    await bench.feed().adapter.createBucket({ bucket, owner: OWNER });
    await put(bench.feed().adapter, 'key', 'before');
    let write: (() => Promise<unknown>) | undefined;
    const slow: Adapter = {
      ...upstream,
      listVersions: async (input) => {
        const page = await upstream.listVersions(input);
        // The page is old by the time it arrives.
        await write?.();
        write = undefined;
        return page;
      },
    };
    const feed = await bench.reopen({}, slow);
    write = () => put(feed.adapter, 'key', 'after');
    expect(await pass(feed)).toEqual(['bucket_created', 'put key', 'put key']);
    expect(write).toBeUndefined();
  });
});

describe('what the upstream tells by itself', () => {
  const theirs = { bucket, key: 'key', version_id: 'null', etag: 'e', size_bytes: 1 };

  it('is told once, whoever saw it first', async () => {
    const { feed, upstream } = bench;
    await feed().adapter.createBucket({ bucket, owner: OWNER });
    const body = Buffer.from('x');
    const info = await upstream.putObject({ bucket, key: 'key', body, size_bytes: 1 });
    const { etag, modified_at_ms, size_bytes } = info;
    expect(await pass(feed())).toEqual(['bucket_created', 'put key']);
    const seen = { ...theirs, type: 'put', etag, size_bytes, modified_at_ms } as const;
    await feed().tell(seen);
    // An older write, overwritten by then.
    await feed().tell({ ...seen, etag: 'older', modified_at_ms: modified_at_ms - 1_000 });
    await upstream.deleteObject({ bucket, key: 'key' });
    const gone = { ...theirs, type: 'delete', etag: '', size_bytes: 0, modified_at_ms: null } as const;
    await feed().tell(gone);
    await feed().tell(gone);
    await feed().tell({ ...gone, type: 'bucket_created', key: '', version_id: '' });
    expect(await pass(feed())).toEqual(['bucket_created', 'put key', 'delete key']);
  });

  it('of a write of ours whose answer never came is looked up', async () => {
    const { upstream } = bench;
    await bench.feed().adapter.createBucket({ bucket, owner: OWNER });
    const feed = bench.feed();
    const { etag } = await upstream.putObject({ bucket, key: 'key', body: Buffer.from('x'), size_bytes: 1 });
    const end = feed.status().cursor;
    const seen = { ...theirs, type: 'put', etag, modified_at_ms: 1 } as const;
    feed.confirm({ ...seen, etag: 'of a write that was overwritten' });
    feed.confirm(seen);
    await feed.adapter.waitForChange({ after: end, signal: AbortSignal.timeout(20_000) });
    feed.confirm(seen);
    expect(await pass(feed)).toEqual(['bucket_created', 'put key']);
  });
});

describe('bounds', () => {
  it('a reader who is behind what is kept is told of the gap', async () => {
    const feed = await bench.reopen({ changes_max: 10 });
    await feed.adapter.createBucket({ bucket, owner: OWNER });
    const [first] = await readAll(feed);
    for (let n = 0; n < 20; n++) await put(feed.adapter, `key-${n}`);
    const page = await feed.adapter.readChanges({ after: first?.cursor ?? '', limit: 100 });
    expect(page.gap).toBe(true);
    expect(page.changes).toHaveLength(10);
    const next = await feed.adapter.readChanges({ after: page.cursor, limit: 100 });
    expect(next).toEqual({ changes: [], cursor: page.cursor, gap: false });
  });

  it('a reader of a log that is gone is told of the gap once', async () => {
    const feed = bench.feed();
    await feed.adapter.createBucket({ bucket, owner: OWNER });
    const page = await feed.adapter.readChanges({ after: '00000000.7', limit: 100 });
    expect(page.gap).toBe(true);
    expect(summary(page.changes)).toEqual(['bucket_created']);
    expect((await feed.adapter.readChanges({ after: page.cursor, limit: 100 })).gap).toBe(false);
    await expect(feed.adapter.readChanges({ after: 'nonsense', limit: 1 })).rejects.toMatchObject({
      kind: 'invalid',
    });
  });

  it('more than the inventory holds is told as a gap', async () => {
    const feed = await bench.reopen({ inventory_max: 3 });
    await feed.adapter.createBucket({ bucket, owner: OWNER });
    for (let n = 0; n < 5; n++) await put(feed.adapter, `key-${n}`);
    const cursor = feed.status().cursor;
    await put(bench.upstream, 'theirs');
    await put(feed.adapter, 'last');
    await pass(feed);
    expect(feed.status().inventory_full).toBe(true);
    expect((await feed.adapter.readChanges({ after: cursor, limit: 100 })).gap).toBe(true);
  });

  it('the log outlives the process', async () => {
    await bench.feed().adapter.createBucket({ bucket, owner: OWNER });
    await put(bench.feed().adapter, 'a');
    const before = await readAll(bench.feed());
    const feed = await bench.reopen();
    expect(await readAll(feed)).toEqual(before);
    await put(feed.adapter, 'b');
    expect(summary(await readAll(feed))).toEqual(['bucket_created', 'put a', 'put b']);
  });
});

describe('writes that overlap', () => {
  it('end with the one that the key holds, whichever was answered last', async () => {
    const { upstream } = bench;
    await upstream.createBucket({ bucket, owner: OWNER });
    const { answers, ...held } = holdAnswers(upstream);
    const feed = await bench.reopen({}, held.upstream);
    const first = put(feed.adapter, 'key', 'first');
    await untilTrue(() => answers.length === 1);
    const second = put(feed.adapter, 'key', 'second');
    await untilTrue(() => answers.length === 2);
    // Both were carried out in order; the answers come the other way round.
    answers[1]?.();
    const newest = await second;
    answers[0]?.();
    await first;
    await feed.settled();
    const changes = (await readAll(feed)).filter(({ key }) => key === 'key');
    expect(summary(changes)).toEqual(['put key', 'put key']);
    expect(changes.at(-1)?.etag).toBe(newest);
  });

  it('a slow one does not hold back the others for long', async () => {
    const { upstream } = bench;
    await upstream.createBucket({ bucket, owner: OWNER });
    let release = (): void => undefined;
    const slow: Adapter = {
      ...upstream,
      putObject: async (input) => {
        if (Buffer.from(input.body as Uint8Array).toString() === 'slow') {
          await new Promise<void>((resolve) => {
            release = resolve;
          });
        }
        return upstream.putObject(input);
      },
    };
    const feed = await bench.reopen({}, slow);
    const end = feed.status().cursor;
    const late = put(feed.adapter, 'key', 'slow');
    const quick = await put(feed.adapter, 'key', 'quick');
    await feed.adapter.waitForChange({ after: end, signal: AbortSignal.timeout(20_000) });
    expect((await readAll(feed)).at(-1)).toMatchObject({ type: 'put', key: 'key', etag: quick });
    release();
    const last = await late;
    await feed.settled();
    expect((await readAll(feed)).at(-1)?.etag).toBe(last);
  });
});

async function untilTrue(condition: () => boolean): Promise<void> {
  await vi.waitFor(() => expect(condition()).toBe(true), { timeout: 20_000, interval: 2 });
}
