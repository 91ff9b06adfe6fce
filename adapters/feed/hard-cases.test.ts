import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Adapter, StoreError } from '../contract/index.js';
import { openDurableLog } from './durable-log.js';
import type { Feed } from './open-feed.js';
import type { FeedStore } from './store.js';
import {
  BUCKET,
  type FeedBench,
  holdAnswers,
  openFeedBench,
  put,
  readAll,
  summary,
} from './testing/with-feed.js';

const bucket = BUCKET;
let bench: FeedBench;
beforeEach(async () => {
  bench = await openFeedBench();
  await bench.feed().settled();
  await bench.feed().adapter.createBucket({ bucket, owner: 'owner' });
});
afterEach(() => bench.close());

/** All but the making of the bucket. */
const told = async (feed: Feed) => summary(await readAll(feed)).slice(1);

describe('lookups', () => {
  it('of a write that the upstream refuses do not hold up those of the others', async () => {
    const { upstream } = bench;
    const { log } = bench.feed();
    for (const key of ['first', 'second']) {
      await log.write({ begin: [log.newIntent({ kind: 'object', bucket, key, at_ms: Date.now() })] });
    }
    await put(upstream, 'second');
    const guarded: Adapter = {
      ...upstream,
      listVersions: async (input) => {
        if (input.prefix === 'first')
          throw new StoreError('access_denied', 'not yours', { subject: 'object' });
        return upstream.listVersions(input);
      },
    };
    const feed = await bench.reopen({}, guarded);
    await feed.settled();
    expect(await told(feed)).toEqual(['put second']);
  });
});

describe('a call that was carried out', () => {
  it('for some keys of a batch whose answer says that they failed, is found out', async () => {
    const { upstream } = bench;
    for (const key of ['gone', 'kept', 'refused', 'told']) await put(bench.feed().adapter, key);
    const failed = (kind: 'unavailable' | 'access_denied') => ({ error: new StoreError(kind, 'no') });
    const odd: Adapter = {
      ...upstream,
      deleteObjects: async (input) => {
        const carried_out = input.objects.filter(({ key }) => key === 'gone' || key === 'told');
        const results = await upstream.deleteObjects({ ...input, objects: carried_out });
        return input.objects.map(({ key }) => {
          if (key === 'told') return results.at(-1) ?? failed('unavailable');
          return failed(key === 'refused' ? 'access_denied' : 'unavailable');
        });
      },
    };
    const feed = await bench.reopen({}, odd);
    await feed.adapter.deleteObjects({
      bucket,
      objects: ['gone', 'kept', 'refused', 'told'].map((key) => ({ key })),
    });
    await feed.settled();
    const deletes = (await told(feed)).filter((change) => change.startsWith('delete'));
    expect(deletes.sort()).toEqual(['delete gone', 'delete told']);
  });

  it('and whose answer is not understood ends all the same', async () => {
    const { upstream } = bench;
    let garbled = true;
    const odd: Adapter = {
      ...upstream,
      putObject: async (input) => {
        const info = await upstream.putObject(input);
        return garbled ? (undefined as unknown as typeof info) : info;
      },
    };
    const feed = await bench.reopen({}, odd);
    const body = Buffer.from('x');
    await feed.adapter.putObject({ bucket, key: 'key', body, size_bytes: 1 });
    await feed.settled();
    garbled = false;
    expect(feed.order.isBusy(bucket, 'key')).toBe(false);
    expect(await told(feed)).toEqual(['put key']);
  });

  it.each(['one by one', 'in a batch'])('deletes what was written a moment before (%s)', async (way) => {
    const { upstream } = bench;
    let between: (() => Promise<unknown>) | undefined;
    const racing: Adapter = {
      ...upstream,
      headObject: async (input) => {
        const write = between;
        between = undefined;
        return upstream.headObject(input).finally(() => write?.());
      },
    };
    const feed = await bench.reopen({}, racing);
    between = () => put(feed.adapter, 'key');
    if (way === 'one by one') await feed.adapter.deleteObject({ bucket, key: 'key' });
    else await feed.adapter.deleteObjects({ bucket, objects: [{ key: 'key' }] });
    await feed.settled();
    expect(await told(feed)).toEqual(['put key', 'delete key']);
  });
});

/** A disk that fails at the end of one commit, when everything is in place. */
function failingOnce(store: FeedStore) {
  let armed = false;
  return {
    arm: () => {
      armed = true;
    },
    store: {
      ...store,
      transaction: <Result>(work: () => Result) =>
        store.transaction(() => {
          const result = work();
          if (!armed) return result;
          armed = false;
          throw new Error('the disk is full');
        }),
    },
  };
}

describe('the log', () => {
  const version = { bucket, key: 'key', version_id: 'null', etag: 'e', size_bytes: 1, modified_at_ms: 1 };

  it('forgets nothing of what a failed commit was to change', async () => {
    const { store, arm } = failingOnce(bench.state);
    const log = openDurableLog({ store, adapter: 'other' });
    await log.write({ changes: [{ ...version, type: 'put' }] });
    const remove = { changes: [{ ...version, type: 'delete' }] } as const;
    arm();
    await expect(log.write(remove)).rejects.toMatchObject({ kind: 'unexpected' });
    await log.write({});
    expect(log.wasDeleted(bucket, 'key', 'null')).toBe(false);
    expect(log.known(bucket, 'key', 'null')).toBeDefined();
    await log.write(remove);
    expect(log.wasDeleted(bucket, 'key', 'null')).toBe(true);
  });

  it('keeps nothing of a bucket that is gone, however much it held', async () => {
    const log = openDurableLog({ store: bench.state, adapter: 'other' });
    const keys = Array.from({ length: 2_500 }, (_, n) => `key-${n}`);
    await log.write({ changes: keys.map((key) => ({ ...version, type: 'put', key })), silent: true });
    expect(log.status().inventory_count).toBe(keys.length);
    await log.write({ changes: [{ ...version, type: 'bucket_deleted', key: '', version_id: '' }] });
    expect(log.status().inventory_count).toBe(0);
    expect(Array.from(log.versions(bucket, null, null))).toEqual([]);
  });

  it('learns again what is there when there is room again', async () => {
    const feed = await bench.reopen({ inventory_max: 4 });
    const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
    for (const key of keys) await put(feed.adapter, key);
    expect(feed.status()).toMatchObject({ inventory_full: true, inventory_count: 4 });
    for (const key of keys.slice(0, 3)) await bench.upstream.deleteObject({ bucket, key });
    const before = feed.status().cursor ?? '';
    await feed.reconciler.request();
    await feed.settled();
    expect(feed.status()).toMatchObject({ inventory_full: false, inventory_count: 3 });
    expect((await feed.adapter.readChanges({ after: before, limit: 100 })).gap).toBe(true);
    const told_before = (await told(feed)).length;
    await put(bench.upstream, 'g');
    await feed.reconciler.request();
    await feed.settled();
    expect((await told(feed)).slice(told_before)).toEqual(['put g']);
  });
});

describe('writes whose commit fails', () => {
  it('are told of later where they overlapped', async () => {
    const { store, arm } = failingOnce(bench.state);
    const { upstream, answers } = holdAnswers(bench.upstream);
    const feed = await bench.reopen({ store }, upstream);
    const both = [put(feed.adapter, 'key', 'one'), put(feed.adapter, 'key', 'two')];
    await vi.waitFor(() => expect(answers).toHaveLength(2), { timeout: 20_000 });
    arm();
    for (const answer of answers) answer();
    await Promise.all(both);
    await vi.waitFor(async () => expect(await told(feed)).toEqual(['put key', 'put key']), {
      timeout: 20_000,
    });
    await vi.waitFor(() => expect(feed.order.isBusy(bucket, 'key')).toBe(false), { timeout: 20_000 });
  });

  it('are looked up where they did not', async () => {
    const { store, arm } = failingOnce(bench.state);
    const { upstream } = bench;
    const putObject: Adapter['putObject'] = (input) => upstream.putObject(input).finally(arm);
    const feed = await bench.reopen({ store }, { ...upstream, putObject });
    await expect(put(feed.adapter, 'key')).rejects.toMatchObject({ kind: 'unexpected' });
    await feed.settled();
    expect(await told(feed)).toEqual(['put key']);
  });
});
