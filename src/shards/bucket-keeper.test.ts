import { afterEach, expect, it } from 'vitest';
import type { ErrorKind } from '../../adapters/contract/index.js';
import { withFaults } from '../../adapters/decorators/testing/faults.js';
import { startTestNode, type TestNode } from './testing/node.js';

let node: TestNode | undefined;
afterEach(async () => {
  await node?.close();
  node = undefined;
});

const failing = (...kinds: ErrorKind[]) =>
  startTestNode({
    around: (adapter) =>
      withFaults(
        adapter,
        kinds.map((kind) => ({ method: 'createBucket', kind, when: 'before' })),
      ).adapter,
  });

it('a node whose shard bucket cannot be made at start makes it for the first shard', async () => {
  node = await failing('unavailable', 'unavailable');
  expect((await node.call('GET', '/api/v1/shards/s')).status).toBe(503);
  expect((await node.put('s', 'content')).status).toBe(503);
  expect((await node.put('s', 'content')).status).toBe(200);
  expect((await node.call('GET', '/api/v1/shards/s')).status).toBe(200);
});

it('a home that refuses the shard bucket stops the start', async () => {
  await expect(failing('access_denied')).rejects.toMatchObject({ kind: 'access_denied' });
});
