import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { MIB, startTestNode, type TestNode, type TestNodeOptions } from '../shards/testing/node.js';
import { BackupNodeClient, BackupNodeError, BackupNodeManager } from './index.js';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function startNode(options: TestNodeOptions = {}): Promise<TestNode> {
  const node = await startTestNode(options);
  cleanups.push(() => node.close());
  return node;
}

function clientOf(port: number, options: { timeout_ms?: number; token?: string } = {}): BackupNodeClient {
  const client = new BackupNodeClient({ port, ...options });
  cleanups.push(() => client.close());
  return client;
}

/** A server that answers as it is told, to stand for other nodes and for broken ones. */
async function startServer(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<number> {
  const server: Server = createServer(answer).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  cleanups.push(
    () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  );
  return (server.address() as AddressInfo).port;
}

/** A node of the first generation: JSON only, and a PUT is a method that it does not know. */
async function startFirstGeneration() {
  const shards = new Map<string, { shard_data: string; original_hash: string }>();
  const calls: string[] = [];
  const port = await startServer(async (request, response) => {
    calls.push(`${request.method} ${request.url}`);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const reply = (status: number, document: object) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(document));
    };
    const shard_id = decodeURIComponent(request.url?.split('/').at(-1) ?? '');
    if (request.method === 'PUT') return reply(405, { detail: 'Method Not Allowed' });
    if (request.method === 'POST') {
      const document = JSON.parse(Buffer.concat(chunks).toString());
      shards.set(document.shard_id, document);
      return reply(200, { success: true, shard_id: document.shard_id, message: 'ok' });
    }
    if (request.url === '/api/v1/shards') {
      return reply(200, {
        shards: [...shards.keys()].map((id) => ({ shard_id: id })),
        total_count: shards.size,
        total_size_bytes: 0,
      });
    }
    const shard = shards.get(shard_id);
    if (shard === undefined) return reply(404, { detail: 'Shard not found' });
    return reply(200, { shard_id, shard_data: shard.shard_data, size_bytes: 0, retrieved_at: '' });
  });
  return { port, calls };
}

async function failureOf(call: Promise<unknown>): Promise<BackupNodeError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof BackupNodeError) return error;
    throw error;
  }
  throw new Error('the call succeeded');
}

describe('a client of one node', () => {
  it('stores, reads, lists and deletes', async () => {
    const client = clientOf((await startNode()).port);
    const data = Buffer.alloc(2 * MIB, 'x');
    const ids = ['a', 'a/', '..', '.', 'with space?#%', '🐘'];
    for (const id of ids) await client.storeShard(id, data, { source_node: 'main ü', metadata: { id } });
    for (const id of ids) expect((await client.retrieveShard(id))?.equals(data)).toBe(true);
    const listed = await client.listShards();
    expect(listed.map(({ shard_id }) => shard_id).sort()).toEqual([...ids].sort());
    expect(listed[0]).toMatchObject({ size_bytes: data.length, source_node: 'main ü' });
    expect((await client.listShardsPage({ prefix: 'a', limit: 1 })).next_cursor).not.toBeNull();
    expect(await client.retrieveShard('nowhere')).toBeNull();
    expect(await client.deleteShard('..')).toBe(true);
    expect(await client.deleteShard('..')).toBe(false);
    expect(await client.retrieveShard('.')).not.toBeNull();
    expect((await client.getNodeStatus()).shards.total_count).toBe(ids.length - 1);
    expect((await client.healthCheck()).status).toBe('healthy');
  });

  it('lists more than a page', async () => {
    const node = await startNode();
    const client = clientOf(node.port);
    await Promise.all(
      Array.from({ length: 1_234 }, (_, index) =>
        node.store.putObject({ bucket: 'shards', key: `${index}`, body: Buffer.alloc(1), size_bytes: 1 }),
      ),
    );
    expect(await client.listShards()).toHaveLength(1_234);
  });

  it('registers nodes', async () => {
    const client = clientOf((await startNode()).port);
    const claim = { node_id: 'n', node_type: 'main', address: '::1', port: 1, storage_capacity: 0 };
    await client.registerNode(claim);
    expect(await client.listNodes()).toMatchObject([{ ...claim, is_online: true }]);
    expect(await failureOf(client.registerNode({ ...claim, port: 0 }))).toMatchObject({
      kind: 'invalid',
      status: 422,
    });
  });

  it('speaks JSON to a node that knows nothing else, and asks it once only', async () => {
    const old = await startFirstGeneration();
    const client = clientOf(old.port);
    await client.storeShard('one', Buffer.from('1'));
    await client.storeShard('two', Buffer.from('2'));
    expect(old.calls.filter((call) => call.startsWith('PUT'))).toEqual(['PUT /api/v1/shards/one']);
    expect((await client.retrieveShard('two'))?.toString()).toBe('2');
    expect(await client.retrieveShard('three')).toBeNull();
  });

  it('takes metadata that is too long for a header', async () => {
    const node = await startNode();
    const metadata = { text: 'é'.repeat(5_000) };
    await clientOf(node.port).storeShard('m', Buffer.from('x'), { metadata });
    expect((await node.call('GET', '/api/v1/shards/m')).json.metadata).toEqual(metadata);
  });

  it('sends its token', async () => {
    const node = await startNode({
      access: { anonymous: false, verifyToken: (token) => (token === 'secret' ? true : undefined) },
    });
    await clientOf(node.port, { token: 'secret' }).storeShard('x', Buffer.from('x'));
    expect(await failureOf(clientOf(node.port).retrieveShard('x'))).toMatchObject({
      kind: 'unauthorized',
      status: 401,
    });
  });

  it('says what went wrong', async () => {
    const node = await startNode({ quota_bytes: 100, settings: { shard_bytes_max: 1_000 } });
    const client = clientOf(node.port);
    expect(await failureOf(client.storeShard('x', Buffer.alloc(101)))).toMatchObject({
      kind: 'no_space',
      status: 507,
      detail: 'Insufficient storage space',
    });
    expect((await failureOf(client.storeShard('x', Buffer.alloc(5 * MIB)))).kind).toBe('too_large');
    expect((await failureOf(client.storeShard('', Buffer.alloc(1)))).kind).toBe('invalid');
    expect((await failureOf(client.storeShard('\ud800', Buffer.alloc(1)))).kind).toBe('invalid');
    expect((await failureOf(clientOf(1).healthCheck())).kind).toBe('unreachable');
    const port = await startServer((_request, response) => response.end('<html>'));
    expect((await failureOf(clientOf(port).getNodeStatus())).kind).toBe('unexpected');
  });

  it('gives up after its timeout, or when it is told to', async () => {
    const port = await startServer(() => undefined);
    expect((await failureOf(clientOf(port, { timeout_ms: 50 }).healthCheck())).kind).toBe('timeout');
    const controller = new AbortController();
    const failure = failureOf(clientOf(port).retrieveShard('x', { signal: controller.signal }));
    controller.abort();
    expect((await failure).kind).toBe('aborted');
  });

  it('does not take a shard for good that does not match its digest', async () => {
    const digest = createHash('sha256').update('right').digest('hex');
    const port = await startServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/octet-stream', 'x-backup-node-sha256': digest });
      response.end('wrong');
    });
    expect((await failureOf(clientOf(port).retrieveShard('x'))).kind).toBe('corrupt');
  });
});

describe('a manager of several nodes', () => {
  const manage = (ports: Readonly<Record<string, readonly [port: number, priority: number]>>) => {
    const manager = new BackupNodeManager();
    cleanups.push(() => manager.closeAll());
    for (const [node_id, [port, priority]] of Object.entries(ports)) {
      manager.addNode(node_id, { port, priority, timeout_ms: 2_000 });
    }
    return manager;
  };

  it('stores by priority and reads from any', async () => {
    const [a, b, c] = [await startNode(), await startNode(), await startNode()];
    const manager = manage({ third: [c.port, 3], first: [a.port, 1], second: [b.port, 2] });
    const result = await manager.storeShardRedundant('x', Buffer.from('x'), { redundancy_level: 2 });
    expect(result).toMatchObject({ success: true, nodes: ['first', 'second'] });
    expect((await c.call('GET', '/api/v1/shards/x')).status).toBe(404);
    await a.call('DELETE', '/api/v1/shards/x');
    expect((await manager.retrieveShardAny('x'))?.toString()).toBe('x');
    expect(await manager.retrieveShardAny('y')).toBeNull();
    expect(await manager.getClusterStatus()).toMatchObject({
      total_nodes: 3,
      healthy_nodes: 3,
      total_shards: 1,
    });
    expect(await manager.deleteShardAll('x')).toEqual({ first: false, second: true, third: false });
  });

  it('makes up for a node that fails by the next one', async () => {
    const [a, b] = [await startNode({ quota_bytes: 1 }), await startNode()];
    const manager = manage({ full: [a.port, 1], dead: [1, 2], good: [b.port, 3] });
    const one = await manager.storeShardRedundant('x', Buffer.from('content'), { redundancy_level: 1 });
    expect(one.nodes).toEqual(['good']);
    expect([...one.failures].map(([id, { kind }]) => [id, kind])).toEqual([
      ['full', 'no_space'],
      ['dead', 'unreachable'],
    ]);
    const two = await manager.storeShardRedundant('x', Buffer.from('content'), { redundancy_level: 2 });
    expect(two).toMatchObject({ success: false, nodes: ['good'] });
    expect((await manager.retrieveShardAny('x'))?.toString()).toBe('content');
    expect((await failureOf(manager.retrieveShardAny('y'))).kind).toBe('unreachable');
    expect(await manager.healthCheckAll()).toEqual({ full: true, dead: false, good: true });
  });
});
