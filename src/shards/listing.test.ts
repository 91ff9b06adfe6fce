import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestNode, type TestNode } from './testing/node.js';

let node: TestNode;
const COUNT = 2_345;
const idOf = (index: number) => `${index % 2 === 0 ? 'even' : 'odd'}/${String(index).padStart(5, '0')}`;

beforeAll(async () => {
  node = await startTestNode();
  const body = Buffer.from('12345');
  await Promise.all(
    Array.from({ length: COUNT }, (_, index) =>
      node.store.putObject({ bucket: 'shards', key: idOf(index), body, size_bytes: body.length }),
    ),
  );
});
afterAll(() => node.close());

const list = async (query = '') => (await node.call('GET', `/api/v1/shards${query}`)).json;
const ids = (answer: { shards: { shard_id: string }[] }) => answer.shards.map(({ shard_id }) => shard_id);
const ALL = Array.from({ length: COUNT }, (_, index) => idOf(index)).sort();

describe('the listing', () => {
  it('shows all shards without a limit, across pages', async () => {
    const answer = await list();
    expect(ids(answer)).toEqual(ALL);
    expect(answer).toMatchObject({ total_count: COUNT, total_size_bytes: 5 * COUNT, next_cursor: null });
    expect(answer.shards[0]).toEqual({
      shard_id: ALL[0],
      size_bytes: 5,
      created_at: expect.stringMatching(/\+00:00$/),
      last_verified: null,
      verification_count: 0,
      source_node: null,
      redundancy_level: 1,
    });
  });

  it.each([1, 999, 1_000, 1_001, 2_000, COUNT, 100_000])('pages by %i', async (limit) => {
    const seen: string[] = [];
    let cursor: string | null = '';
    let pages = 0;
    while (cursor !== null && pages < 5) {
      const answer: { next_cursor: string | null; total_count: number; shards: { shard_id: string }[] } =
        await list(`?limit=${limit}&cursor=${cursor}`);
      expect(answer.shards.length).toBeLessThanOrEqual(limit);
      expect(answer.total_count).toBe(COUNT);
      seen.push(...ids(answer));
      cursor = answer.next_cursor;
      pages++;
    }
    expect(seen).toEqual(ALL.slice(0, seen.length));
    expect(seen.length).toBe(Math.min(COUNT, 5 * limit));
    if (limit * 5 > COUNT) expect(cursor).toBeNull();
  });

  it('counts what matches the prefix', async () => {
    const odd = ALL.filter((id) => id.startsWith('odd/'));
    const all = await list('?prefix=odd/');
    expect(ids(all)).toEqual(odd);
    expect(all).toMatchObject({ total_count: odd.length, total_size_bytes: 5 * odd.length });
    const page = await list('?prefix=odd/&limit=3');
    expect(ids(page)).toEqual(odd.slice(0, 3));
    expect(page).toMatchObject({ total_count: odd.length, total_size_bytes: 5 * odd.length });
    const rest = await list(`?prefix=odd/&cursor=${page.next_cursor}`);
    expect(ids(rest)).toEqual(odd.slice(3));
    expect(rest.next_cursor).toBeNull();
    expect(await list('?prefix=none')).toEqual({
      shards: [],
      total_count: 0,
      total_size_bytes: 0,
      next_cursor: null,
    });
  });

  it.each(['limit=0', 'limit=-1', 'limit=x', 'limit=1.5', 'limit=', 'cursor=nonsense', 'cursor=MTo'])(
    'answers 422 for %s',
    async (query) => {
      const answer = await node.call('GET', `/api/v1/shards?${query}`);
      expect(answer.status).toBe(422);
      expect(answer.json.detail[0].loc[0]).toBe('query');
    },
  );
});

describe('verifications', () => {
  it('count the reads of a shard, and begin anew when it is replaced', async () => {
    const entry = async () => (await list('?prefix=verified')).shards[0];
    await node.put('verified', 'one');
    expect(await entry()).toMatchObject({ verification_count: 0, last_verified: null });
    await node.call('GET', '/api/v1/shards/verified');
    await node.call('GET', '/api/v1/shards/verified');
    expect(await entry()).toMatchObject({
      verification_count: 2,
      last_verified: expect.stringMatching(/\+00:00$/),
    });
    await node.verifications.flush();
    expect(await entry()).toMatchObject({ verification_count: 2 });
    await node.call('GET', '/api/v1/shards/verified');
    expect(await entry()).toMatchObject({ verification_count: 3 });
    await node.put('verified', 'two');
    expect(await entry()).toMatchObject({ verification_count: 0, last_verified: null });
    await node.call('DELETE', '/api/v1/shards/verified');
    await node.verifications.flush();
    expect(node.state.table('verifications').count()).toBe(0);
  });
});
