import { afterEach, describe, expect, it } from 'vitest';
import { MIB, startTestNode, storeDocument, type TestNode, type TestNodeOptions } from './testing/node.js';

let node: TestNode;
const start = async (options: TestNodeOptions = {}) => {
  node = await startTestNode(options);
  return node;
};
afterEach(() => node.close());

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00$/;

describe('what a node says of itself', () => {
  it('at /, /api/v1/status and /health', async () => {
    await start({ quota_bytes: 10 * MIB });
    const root = await node.call('GET', '/');
    expect(root.json).toEqual({
      service: 'PlexiChat Backup Node',
      version: '1.2.3',
      status: 'running',
      node_id: 'test-node',
      timestamp: expect.stringMatching(ISO),
    });
    await node.put('x', Buffer.alloc(MIB));
    const status = (await node.call('GET', '/api/v1/status')).json;
    expect(status).toEqual({
      node_id: 'test-node',
      node_type: 'backup',
      storage: {
        used_bytes: MIB,
        max_bytes: 10 * MIB,
        used_percentage: 10,
        available_bytes: 9 * MIB,
      },
      shards: { total_count: 1, total_size_bytes: MIB },
      network: { connected_nodes: 0, active_transfers: 0 },
      uptime: expect.any(Number),
      last_updated: expect.stringMatching(ISO),
    });
    const health = await node.call('GET', '/health');
    expect(health.json).toMatchObject({
      status: 'healthy',
      node_status: { storage: status.storage },
      timestamp: expect.stringMatching(ISO),
    });
    expect(health.headers['x-request-id']).toMatch(/^[0-9A-F]{16}$/);
    expect((await node.call('HEAD', '/health')).status).toBe(200);
  });

  it('follows replacements and deletions exactly', async () => {
    await start();
    const used = async () => (await node.call('GET', '/api/v1/status')).json;
    await node.put('a', Buffer.alloc(1_000));
    await node.put('b', Buffer.alloc(500));
    await node.put('a', Buffer.alloc(300));
    expect(await used()).toMatchObject({
      storage: { used_bytes: 800 },
      shards: { total_count: 2, total_size_bytes: 800 },
    });
    await node.call('DELETE', '/api/v1/shards/b');
    expect(await used()).toMatchObject({ storage: { used_bytes: 300 }, shards: { total_count: 1 } });
    await node.call('DELETE', '/api/v1/shards/a');
    expect(await used()).toMatchObject({ storage: { used_bytes: 0 }, shards: { total_count: 0 } });
  });

  it.each(['starting', 'draining'] as const)('is not healthy while %s', async (phase) => {
    await start({ phase: () => phase });
    expect(await node.call('GET', '/health')).toMatchObject({ status: 503, json: { status: phase } });
  });
});

describe('the quota', () => {
  it('answers 507, and lets a shard of the same size be replaced when full', async () => {
    await start({ quota_bytes: 1_000 });
    expect((await node.put('a', Buffer.alloc(600))).status).toBe(200);
    const full = await node.put('b', Buffer.alloc(401));
    expect(full).toMatchObject({ status: 507, json: { detail: expect.any(String) } });
    expect((await node.call('GET', '/api/v1/shards/b')).status).toBe(404);
    expect((await node.put('b', Buffer.alloc(400))).status).toBe(200);
    expect((await node.put('a', Buffer.alloc(600, 1))).status).toBe(200);
    expect((await node.put('a', Buffer.alloc(601, 1))).status).toBe(507);
    await node.call('DELETE', '/api/v1/shards/b');
    expect((await node.put('c', Buffer.alloc(400))).status).toBe(200);
  });
});

describe('registered nodes', () => {
  const claim = { node_id: 'n1', node_type: 'main', address: '127.0.0.1', port: 8000, storage_capacity: 5 };
  const register = (document: unknown) => node.call('POST', '/api/v1/nodes/register', { json: document });

  it('are listed, refreshed and trusted only at the address of their peer', async () => {
    await start({ peers: [{ node_id: 'n2', address: 'N2.example.test', port: 9, trusted: true }] });
    expect(await register(claim)).toMatchObject({ status: 200, json: { success: true, node_id: 'n1' } });
    await register({ ...claim, node_id: 'n2', address: 'n2.example.test', port: 9 });
    await register({ ...claim, node_id: 'n1', storage_capacity: 7 });
    const { json } = await node.call('GET', '/api/v1/nodes');
    expect(json).toMatchObject({ total_count: 2, online_count: 2 });
    expect(json.nodes[0]).toEqual({
      ...claim,
      storage_capacity: 7,
      storage_used: 0,
      last_seen: expect.stringMatching(ISO),
      is_online: true,
      trust_level: 'untrusted',
    });
    expect(json.nodes[1]).toMatchObject({ node_id: 'n2', trust_level: 'trusted' });
    expect((await node.call('GET', '/api/v1/status')).json.network.connected_nodes).toBe(2);
    await register({ ...claim, node_id: 'n2', address: 'evil.example.test', port: 9 });
    const again = await node.call('GET', '/api/v1/nodes');
    expect(again.json.nodes[1]).toMatchObject({ node_id: 'n2', trust_level: 'untrusted' });
  });

  it('may be at names and addresses of both kinds', async () => {
    await start();
    for (const address of [
      'localhost',
      'a-b.example.test',
      '10.0.0.1',
      '::1',
      '[::1]',
      'fe80::1',
      '2001:db8::8:c',
    ]) {
      expect((await register({ ...claim, address })).status, address).toBe(200);
    }
  });

  it('are refused with 422 when a claim is not what it should be', async () => {
    await start();
    const changes: object[] = [
      ...['', 'http://a', 'a b', 'a/b', 'a:80', '999.1.1.1', '[::1', '-a', 5].map((address) => ({ address })),
      ...[0, 65_536, '8000', 1.5, null].map((port) => ({ port })),
      ...[-1, null, '5', 0.5].map((storage_capacity) => ({ storage_capacity })),
      ...['', 'x'.repeat(300), 3, undefined].map((node_id) => ({ node_id })),
      { node_type: 3 },
    ];
    for (const change of changes) {
      const answer = await register({ ...claim, ...change });
      expect(answer.status, JSON.stringify(change)).toBe(422);
      expect(answer.json.detail).toHaveLength(1);
      expect(answer.json.detail[0].loc).toEqual(['body', Object.keys(change)[0]]);
    }
    expect((await node.call('GET', '/api/v1/nodes')).json.total_count).toBe(0);
  });
});

describe('access', () => {
  const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
  const verifyToken = (token: string) => (token === 'good' ? { name: 'main' } : undefined);

  it('needs a token for all but / and /health where anonymous calls are not accepted', async () => {
    await start({ access: { anonymous: false, verifyToken } });
    for (const path of [
      '/api/v1/status',
      '/api/v1/shards',
      '/api/v1/shards/x',
      '/api/v1/nodes',
      '/api/v1/mounts',
    ]) {
      const refused = await node.call('GET', path);
      expect(refused).toMatchObject({ status: 401, json: { detail: expect.any(String) } });
      expect(refused.headers['www-authenticate']).toBe('Bearer');
      expect((await node.call('GET', path, bearer('bad'))).status).toBe(401);
      expect((await node.call('GET', path, bearer('good'))).status).not.toBe(401);
    }
    expect((await node.put('x', 'x')).status).toBe(401);
    expect((await node.call('GET', '/')).status).toBe(200);
    expect((await node.call('GET', '/health')).status).toBe(200);
  });

  it('refuses a wrong token even where none is needed', async () => {
    await start({ access: { anonymous: true, verifyToken } });
    expect((await node.call('GET', '/api/v1/shards')).status).toBe(200);
    expect((await node.call('GET', '/api/v1/shards', bearer('good'))).status).toBe(200);
    expect((await node.call('GET', '/api/v1/shards', bearer('bad'))).status).toBe(401);
  });

  it('refuses the anonymous calls of web pages of other origins', async () => {
    await start();
    const json = storeDocument('s', 'x');
    const storeFrom = async (origin: string) =>
      (await node.call('POST', '/api/v1/shards/store', { json, headers: { origin } })).status;
    expect(await storeFrom('http://elsewhere.example')).toBe(403);
    expect(await storeFrom('null')).toBe(403);
    expect((await node.call('GET', '/api/v1/shards/s')).status).toBe(404);
    expect(await storeFrom(node.url)).toBe(200);
  });

  it('takes anonymous calls under its addresses and localhost, not under a name that anyone could point here', async () => {
    await start();
    const statusFor = async (host: string) =>
      (await node.raw(`GET /api/v1/shards HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)).slice(
        9,
        12,
      );
    expect(await statusFor('rebound.example:8001')).toBe('403');
    expect(await statusFor('127.0.0.1.rebound.example')).toBe('403');
    for (const host of ['127.0.0.1:8001', '[::1]:8001', 'localhost:8001', 'LOCALHOST', 'node.localhost']) {
      expect(await statusFor(host)).toBe('200');
    }
  });

  it('takes anonymous calls under any name where anyone may call', async () => {
    await start({ access: { any_host: true } });
    const answer = await node.raw(
      'GET /api/v1/shards HTTP/1.1\r\nHost: node.example\r\nConnection: close\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('lets only allowed source nodes store', async () => {
    await start({ settings: { allowed_source_nodes: ['main-1'] } });
    expect((await node.put('x', 'x', { source_node: 'main-1' })).status).toBe(200);
    expect((await node.put('x', 'y', { source_node: 'main-2' })).status).toBe(403);
    expect((await node.put('x', 'y')).status).toBe(403);
    const { json } = await node.call('GET', '/api/v1/shards/x');
    expect(json.shard_data).toBe(Buffer.from('x').toString('base64'));
  });
});

describe('what is no HTTP request that can be served', () => {
  it.each([
    ['two Host headers', 'GET /health HTTP/1.1\r\nHost: a\r\nhost: b\r\nConnection: close\r\n\r\n', 400],
    ['a header without a colon', 'GET /health HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n', 400],
    [
      'headers beyond the limit',
      `GET /health HTTP/1.1\r\nHost: a\r\nx: ${'y'.repeat(64 * 1024)}\r\n\r\n`,
      431,
    ],
    ['no HTTP', 'hello\r\n\r\n', 400],
  ])('is refused in the form of all errors: %s', async (_, text, status) => {
    await start();
    const [head = '', body = ''] = (await node.raw(text)).split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(head).toMatch(/\r\nx-request-id: [0-9A-F]{16}\r\n/);
    expect(JSON.parse(body)).toEqual({ detail: expect.any(String) });
  });
});
