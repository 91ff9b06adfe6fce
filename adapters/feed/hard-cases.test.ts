import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Adapter, type Change, StoreError } from '../contract/index.js';
import type { Feed } from './open-feed.js';
import { type FeedBench, openFeedBench } from './testing/with-feed.js';

const bucket = 'bucket';
let bench: FeedBench;
beforeEach(async () => {
  bench = await openFeedBench();
  await bench.feed().settled();
  await bench.feed().adapter.createBucket({ bucket, owner: 'owner' });
});
afterEach(() => bench.close());

async function put(store: Adapter, key: string, text = 'content'): Promise<string> {
  const body = Buffer.from(text);
  return (await store.putObject({ bucket, key, body, size_bytes: body.length })).etag;
}

/** All but the making of the bucket. */
async function told({ adapter }: Feed): Promise<string[]> {
  const changes: Change[] = [];
  for (let after: string | null = null; ; ) {
    const page = await adapter.readChanges({ after, limit: 100 });
    changes.push(...page.changes);
    if (page.changes.length === 0) break;
    after = page.cursor;
  }
  return changes.slice(1).map(({ type, key }) => `${type} ${key}`.trim());
}

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
