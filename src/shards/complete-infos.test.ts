import { afterEach, expect, it } from 'vitest';
import type { ListObjectsResult } from '../../adapters/contract/index.js';
import { forwarding } from '../../adapters/forwarding.js';
import { startTestNode, type TestNode } from './testing/node.js';

let node: TestNode;
afterEach(() => node.close());

/** What S3's listings tell of an object. */
function brief({ entries, next }: ListObjectsResult): ListObjectsResult {
  return {
    next,
    entries: entries.map((entry) =>
      entry.type === 'prefix' ? entry : { ...entry, item: { ...entry.item, sha256: null, system: {} } },
    ),
  };
}

it('a listing shows all of a shard, though the upstream tells keys and sizes only', async () => {
  let looked = 0;
  node = await startTestNode({
    around: (inner) => ({
      ...forwarding(inner),
      capabilities: { ...inner.capabilities, usage: false },
      listObjects: async (input) => brief(await inner.listObjects(input)),
      headObject: async (input) => {
        looked++;
        return inner.headObject(input);
      },
    }),
  });
  const ids = Array.from({ length: 40 }, (_, n) => `shard-${String(n).padStart(2, '0')}`);
  for (const id of ids) {
    const stored = { source_node: 'main-1', metadata: { redundancy_level: 3 } };
    expect((await node.put(id, 'content', stored)).status).toBe(200);
  }
  looked = 0;
  const { json } = await node.call('GET', '/api/v1/shards');
  expect(json.shards.map(({ shard_id }: { shard_id: string }) => shard_id)).toEqual(ids);
  for (const shard of json.shards)
    expect(shard).toMatchObject({ source_node: 'main-1', redundancy_level: 3 });
  expect(looked).toBe(ids.length);
  const { json: page } = await node.call('GET', '/api/v1/shards?limit=5');
  expect(page).toMatchObject({ total_count: 40, total_size_bytes: 40 * 7 });
  const { json: status } = await node.call('GET', '/api/v1/status');
  expect(status.shards).toMatchObject({ total_count: 40, counted_at: expect.stringMatching(/\+00:00$/) });
  expect(status.storage.used_bytes).toBe(40 * 7);
});
