import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type OpenedAdapter, openInspected } from '../../adapters/open.js';
import { startTestNode, type TestNode } from './testing/node.js';

let folder: string;
let node: TestNode;
let opened: OpenedAdapter[];

/** Nobody listens there. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'adapters-'));
  const disk = await openInspected({ type: 'local', name: 'disk', path: join(folder, 'disk') });
  const cloud = await openInspected({
    type: 's3',
    name: 'cloud',
    provider: 'garage',
    region: 'garage',
    endpoint: `http://127.0.0.1:${await closedPort()}`,
    credentials: async () => ({ accessKeyId: 'key', secretAccessKey: 'very secret' }),
  });
  opened = [disk, cloud];
});
afterEach(async () => {
  await node.close();
  for (const { adapter } of opened) await adapter.close();
  await rm(folder, { recursive: true });
});

it('adapters are shown as they are: what they can do, and whether they answer', async () => {
  node = await startTestNode({ inspectors: opened.map(({ inspector }) => inspector) });
  const { status, json, bytes } = await node.call('GET', '/api/v1/adapters');
  expect(status).toBe(200);
  expect(json.adapters).toHaveLength(2);
  expect(json.adapters[0]).toMatchObject({
    name: 'disk',
    type: 'local',
    provider: null,
    reachable: true,
    latency_ms: expect.any(Number),
    last_error: null,
    capabilities: { change_feed: true, usage: true },
  });
  expect(json.adapters[1]).toMatchObject({
    name: 'cloud',
    type: 's3',
    provider: 'garage',
    reachable: false,
    latency_ms: null,
    checked_at: expect.stringMatching(/\+00:00$/),
    last_error: { kind: 'unavailable', at: expect.stringMatching(/\+00:00$/) },
    capabilities: { change_feed: false, versioning: false },
    server: null,
    feed: null,
  });
  expect(bytes.toString()).not.toContain('secret');
});

it('the status names upstreams, and does not wait for them', async () => {
  node = await startTestNode({ inspectors: opened.map(({ inspector }) => inspector) });
  const { json } = await node.call('GET', '/api/v1/status');
  expect(json.upstreams).toMatchObject([{ name: 'cloud', type: 's3', reachable: null }]);
  await node.call('GET', '/api/v1/adapters');
  const later = (await node.call('GET', '/api/v1/status')).json;
  expect(later.upstreams).toMatchObject([{ name: 'cloud', reachable: false }]);
});

it('adapters are shown to whom shards are shown', async () => {
  node = await startTestNode({ access: { anonymous: false }, inspectors: [] });
  const refused = await node.call('GET', '/api/v1/adapters');
  expect(refused.status).toBe(401);
  expect(refused.json).toEqual({ detail: 'Not authenticated' });
});
