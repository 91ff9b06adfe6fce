import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { DOCUMENTS_BUCKET } from '../../config/reserved-names.js';
import { failure } from '../conformance/support/expect.js';
import type { Adapter } from '../contract/index.js';
import { type Handler, overUpstream } from './testing/bad-upstream.js';
import { CREATED_AT, createSmallUpstream, type SmallUpstream } from './testing/small-upstream.js';

const MADE_AT_MS = 1_700_000_000_000;

/** What it was asked for since it was called last. */
type Asked = () => string[];

async function overOne(work: (upstream: SmallUpstream, adapter: Adapter, asked: Asked) => Promise<void>) {
  const upstream = createSmallUpstream();
  upstream.buckets.set(DOCUMENTS_BUCKET, new Map());
  const requests: string[] = [];
  upstream.before = (request) => {
    requests.push(request);
    return null;
  };
  await overUpstream(upstream.handler, (adapter) => work(upstream, adapter, () => requests.splice(0)));
}

function addRecord({ buckets }: SmallUpstream, bucket: string, owner: string | null): void {
  const record = owner === null ? null : { owner, region: 'here', created_at_ms: MADE_AT_MS, id: bucket };
  buckets.get(DOCUMENTS_BUCKET)?.set(`buckets/${bucket}.json`, JSON.stringify(record));
}

/** Names of which some begin with others, in the order of their bytes. */
function addBuckets(upstream: SmallUpstream, count: number, ownerOf: (index: number) => string): string[] {
  const names = Array.from({ length: count }, (_, index) => `b${index % 40}${index < 40 ? '' : `-${index}`}`);
  for (const [index, name] of names.entries()) {
    upstream.buckets.set(name, new Map());
    addRecord(upstream, name, ownerOf(index));
  }
  return names.sort();
}

/** All of them, page by page. */
async function list(adapter: Adapter, limit: number, owner?: string) {
  const found: [string, string][] = [];
  let after: string | undefined;
  do {
    const more = { ...(after !== undefined && { after }), ...(owner !== undefined && { owner }) };
    const { buckets, next } = await adapter.listBuckets({ limit, ...more });
    for (const bucket of buckets) found.push([bucket.name, bucket.owner]);
    after = next ?? undefined;
  } while (after !== undefined);
  return found;
}

describe('a list of many buckets', () => {
  it('costs one read of each at first, and then of what has changed', async () => {
    await overOne(async (upstream, adapter, asked) => {
      const names = addBuckets(upstream, 2_000, (index) => (index % 2 === 0 ? 'me' : 'other'));
      expect((await list(adapter, 1_000)).map(([name]) => name)).toEqual(names);
      expect(asked().length).toBeLessThanOrEqual(2_000 + 5);

      const mine = await list(adapter, 1_000, 'me');
      expect(mine).toHaveLength(1_000);
      expect(mine.every(([, owner]) => owner === 'me')).toBe(true);
      expect(asked().length).toBeLessThanOrEqual(5);

      addRecord(upstream, 'b1', 'me');
      addRecord(upstream, 'b0', null);
      upstream.buckets.delete('b2');
      const changed = await list(adapter, 1_000, 'me');
      expect(changed).toHaveLength(999);
      expect(changed).toContainEqual(['b1', 'me']);
      expect(asked().length).toBeLessThanOrEqual(5 + 2);
    });
  });

  it('is read once by all who ask at the same time', async () => {
    await overOne(async (upstream, adapter, asked) => {
      addBuckets(upstream, 200, () => 'me');
      const lists = await Promise.all([1, 2, 3].map(() => list(adapter, 1_000, 'me')));
      expect(lists.map(({ length }) => length)).toEqual([200, 200, 200]);
      expect(asked().filter((request) => request.endsWith('.json'))).toHaveLength(200);
    });
  });

  it('does not look through the records of all buckets that were deleted', async () => {
    await overOne(async (upstream, adapter, asked) => {
      for (let index = 0; index < 5_000; index++) addRecord(upstream, `b${index}-gone`, null);
      const names = addBuckets(upstream, 100, () => 'me');
      expect((await list(adapter, 1_000, 'me')).map(([name]) => name)).toEqual(names);
      expect(asked().length).toBeLessThanOrEqual(100 + 4);
    });
  });

  it('is complete for a key that may read records, and not list them', async () => {
    await overOne(async (upstream, adapter) => {
      const names = addBuckets(upstream, 100, () => 'me');
      upstream.before = (request) => (request === `GET /${DOCUMENTS_BUCKET}` ? 403 : null);
      expect((await list(adapter, 1_000, 'me')).map(([name]) => name)).toEqual(names);
      upstream.before = (request) => (request === `GET /${DOCUMENTS_BUCKET}` ? 503 : null);
      await failure(adapter.listBuckets({ limit: 1_000 }), 'unavailable');
    });
  });

  it('of which one page is wanted costs that page', async () => {
    await overOne(async (upstream, adapter, asked) => {
      addBuckets(upstream, 500, () => 'me');
      await adapter.listBuckets({ limit: 1 });
      expect(asked()).toHaveLength(2);
    });
  });
});

describe.each([1, 40])('a list of buckets, %i of them the caller’s', (count) => {
  async function withOwn(work: (upstream: SmallUpstream, adapter: Adapter, own: string[]) => Promise<void>) {
    await overOne(async (upstream, adapter) => {
      const own = addBuckets(upstream, count, () => 'me');
      await work(upstream, adapter, own);
    });
  }

  it('shows when a bucket was made upstream that no node made', async () => {
    await withOwn(async (upstream, adapter) => {
      upstream.buckets.set('found', new Map());
      const { buckets } = await adapter.listBuckets({ limit: 100 });
      expect(buckets[0]).toEqual({ name: 'b0', owner: 'me', region: 'here', created_at_ms: MADE_AT_MS });
      const created_at_ms = Date.parse(CREATED_AT);
      expect(buckets.at(-1)).toEqual({ name: 'found', owner: '', region: '', created_at_ms });
    });
  });

  it('shows one that cannot be opened as nobody’s, beside the others', async () => {
    await withOwn(async (upstream, adapter, own) => {
      upstream.buckets.set('closed', new Map());
      upstream.before = (asked) => (asked === 'HEAD /closed' ? 403 : null);
      expect(await list(adapter, 100)).toEqual([...own.map((name) => [name, 'me']), ['closed', '']]);
      expect(await list(adapter, 100, 'me')).toHaveLength(count);
    });
  });

  it('shows one whose record is broken or forbidden, and fails when the upstream is in trouble', async () => {
    await withOwn(async (upstream, adapter) => {
      upstream.buckets.get(DOCUMENTS_BUCKET)?.set('buckets/broken.json', '{');
      upstream.buckets.set('broken', new Map());
      expect((await list(adapter, 100)).at(-1)).toEqual(['broken', '']);
      await failure(adapter.headBucket({ bucket: 'broken' }), 'corrupt');
      addRecord(upstream, 'broken', 'me');
      const answered = (status: number) => (asked: string) =>
        asked.endsWith('/broken.json') ? status : null;
      upstream.before = answered(403);
      expect((await list(adapter, 100)).at(-1)).toEqual(['broken', '']);
      upstream.before = answered(503);
      await failure(adapter.listBuckets({ limit: 100 }), 'unavailable');
      upstream.before = () => null;
      expect((await list(adapter, 100)).at(-1)).toEqual(['broken', 'me']);
    });
  });
});

it('bytes that came with the ETag of others are not remembered', async () => {
  const upstream = createSmallUpstream();
  upstream.buckets.set(DOCUMENTS_BUCKET, new Map());
  addBuckets(upstream, 40, () => 'me');
  const record = upstream.buckets.get(DOCUMENTS_BUCKET)?.get('buckets/b0.json') ?? '';
  const etag = createHash('md5').update(record).digest('hex');
  let overwritten = true;
  const racing: Handler = (request, response) => {
    if (!overwritten || request.url?.endsWith('/b0.json') !== true)
      return upstream.handler(request, response);
    overwritten = false;
    response.writeHead(200, { etag: `"${etag}"` }).end('null');
  };
  await overUpstream(racing, async (adapter) => {
    expect(await list(adapter, 100, 'me')).toHaveLength(39);
    expect(await list(adapter, 100, 'me')).toHaveLength(40);
  });
});
