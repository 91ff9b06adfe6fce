/** A node one of whose mounts is down, in the ways in which servers are down: with real sockets. */
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configSchema } from '../config/schema.js';
import { type RunningNode, startNode } from './app.js';
import { signedClient, type TestClient } from './s3/testing/signed-client.js';

/** Of what never answers; all others have the time that a loaded machine needs. */
const ANSWER_TIMEOUT_MS = 200;
/** Beyond the time limit of a test: who waits that long waits for the test. */
const FOREVER_MS = 600_000;

/** Below the ports that a system gives out by itself, and of a protocol that nobody serves: it refuses. */
const REFUSED_PORT = 1;

interface BadServer {
  readonly port: number;
  /** Resets all connections, and whatever connects from now on. */
  reset(): void;
  stop(): Promise<void>;
}

async function listen(onConnection: (socket: Socket) => void): Promise<BadServer> {
  const sockets = new Set<Socket>();
  let resets = false;
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
    if (resets) socket.resetAndDestroy();
    else onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    reset: () => {
      resets = true;
      for (const socket of sockets) socket.resetAndDestroy();
    },
    stop: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/** Long beside what a request takes, short beside the repeats that there must not be. */
const ONE_TIMEOUT_MS = 1_000;

/** Listens, and accepts nothing: its process is stuck. Once its backlog is full, nobody gets a connection any more. */
async function listenWithoutAccepting(): Promise<BadServer> {
  const worker = new Worker(
    `const { createServer } = require('node:net');
     const server = createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
       require('node:worker_threads').parentPort.postMessage(server.address().port);
       setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
     });`,
    { eval: true },
  );
  const port = await new Promise<number>((resolve) => worker.once('message', resolve));
  const waiting = Array.from({ length: 8 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
  await new Promise((resolve) => waiting[0]?.once('connect', resolve));
  return {
    port,
    reset: () => undefined,
    stop: async () => {
      for (const socket of waiting) socket.destroy();
      await worker.terminate();
    },
  };
}

let folder: string;
let node: RunningNode;
let client: TestClient;
const bad: BadServer[] = [];
const logged: { event?: string; mount?: string; level: number }[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'upstream-down-'));
  // Two that read and never answer; one resets as soon as it is asked something.
  bad.push(await listen((socket) => socket.resume()));
  bad.push(await listen((socket) => socket.once('data', () => socket.resetAndDestroy())));
  bad.push(await listen((socket) => socket.resume()));
  bad.push(await listenWithoutAccepting());
  const [hole, reset, patient, closed] = bad;
  const upstream = (port: number | undefined, rest: object = {}) => ({
    type: 'minio',
    endpoint: `http://127.0.0.1:${port}`,
    access_key: 'key',
    secret_key: 'secret',
    ...rest,
  });
  const config = configSchema.parse({
    storage_path: folder,
    port: 0,
    adapters: {
      disk: { type: 'local', path: folder },
      refused: upstream(REFUSED_PORT),
      hole: upstream(hole?.port, { answer_timeout_ms: ANSWER_TIMEOUT_MS, retry: null }),
      reset: upstream(reset?.port),
      // As most users have them: with repeats.
      silent: upstream(hole?.port, { answer_timeout_ms: ONE_TIMEOUT_MS }),
      closed: upstream(closed?.port, { connect_timeout_ms: ONE_TIMEOUT_MS }),
      patient: upstream(patient?.port, { answer_timeout_ms: FOREVER_MS, connect_timeout_ms: FOREVER_MS }),
    },
    mounts: [
      { buckets: 'refused-*', adapter: 'refused' },
      { buckets: 'hole-*', adapter: 'hole' },
      { buckets: 'reset-*', adapter: 'reset', upstream_prefix: 'x-' },
      { buckets: 'patient-*', adapter: 'patient' },
      { buckets: 'silent-*', adapter: 'silent' },
      { buckets: 'closed-*', adapter: 'closed' },
      { buckets: 'shards', adapter: 'hole' },
      { buckets: '*', adapter: 'disk' },
    ],
  });
  const logger = pino({ level: 'warn' }, { write: (line: string) => void logged.push(JSON.parse(line)) });
  node = await startNode({ config, env: {}, logger, on_fatal: () => undefined, stop: () => undefined });
  client = signedClient(Number(new URL(node.s3_url).port), node.region, node.root);
  expect((await client.send('PUT', '/on-disk')).status).toBe(200);
});

afterAll(async () => {
  await node?.drain();
  for (const server of bad) await server.stop();
  rmSync(folder, { recursive: true });
});

describe.each(['refused', 'hole', 'reset', 'silent', 'closed'])(
  'a mount whose upstream is down (%s)',
  (kind) => {
    it.concurrent.each([
      ['PUT', `/${kind}-b`],
      ['HEAD', `/${kind}-b`],
      ['GET', `/${kind}-b`],
      ['GET', `/${kind}-b/key`],
      ['DELETE', `/${kind}-b/key`],
      ['PUT', `/${kind}-b/key`],
    ])('answers %s %s with 503 and when to come again', async (method, path) => {
      const began_ms = performance.now();
      const answer = await client.send(method, path, {
        body: method === 'PUT' && path.endsWith('key') ? 'x' : '',
      });
      const taken_ms = performance.now() - began_ms;
      expect(answer.status).toBe(503);
      expect(answer.headers['retry-after']).toBe('1');
      // undici looks at its timers twice a second: a single repeat would make it three times the timeout.
      expect(taken_ms).toBeLessThan(ONE_TIMEOUT_MS * 2);
      if (method !== 'HEAD') expect(answer.element('Code')).toBe('ServiceUnavailable');
    });
  },
);

describe('beside it', () => {
  it('ListBuckets shows the buckets of the others and says whose are missing', async () => {
    const answer = await client.send('GET', '/');
    expect(answer.status).toBe(200);
    expect(answer.elements('Name')).toEqual(['on-disk']);
    expect(answer.headers['x-backup-node-unavailable-mounts']).toBe(
      'refused-*, hole-*, shards, reset-*, patient-*, silent-*, closed-*',
    );
    const warned = logged.filter(({ event }) => event === 'mount_down').map(({ mount }) => mount);
    expect(warned.sort()).toEqual([
      'closed-*',
      'hole-*',
      'patient-*',
      'refused-*',
      'reset-*',
      'shards',
      'silent-*',
    ]);
    expect(await (await fetch(`${node.api_url}/metrics`)).text()).toMatch(
      /^backup_node_mounts_unavailable 7$/m,
    );
  });

  it('/api/v1/mounts tells which answer', async () => {
    const { mounts } = (await (await fetch(`${node.api_url}/api/v1/mounts`)).json()) as {
      mounts: Record<string, unknown>[];
    };
    expect(mounts.map(({ buckets, available }) => [buckets, available])).toEqual([
      ['refused-*', false],
      ['hole-*', false],
      ['reset-*', false],
      ['patient-*', false],
      ['silent-*', false],
      ['closed-*', false],
      ['shards', false],
      ['*', true],
    ]);
    expect(mounts[0]).toEqual({
      buckets: 'refused-*',
      adapter: 'refused',
      adapter_type: 'minio',
      upstream_bucket: null,
      upstream_prefix: null,
      read_only: false,
      counts_against_quota: false,
      holds_shards: false,
      available: false,
      error: 'unavailable',
    });
  });

  it('other mounts serve as ever, while many calls wait for it', async () => {
    let waiting = 40;
    const stuck = Promise.all(
      Array.from({ length: waiting }, async (_, n) => {
        const answer = await client.send('GET', `/patient-b${n}/key`);
        waiting--;
        return answer.status;
      }),
    );
    for (let n = 0; n < 5; n++) {
      expect((await client.send('PUT', `/on-disk/k${n}`, { body: 'content' })).status).toBe(200);
      expect((await client.send('GET', `/on-disk/k${n}`)).text).toBe('content');
    }
    expect(waiting).toBe(40);
    bad[2]?.reset();
    expect(new Set(await stuck)).toEqual(new Set([503]));
  });

  it('the shard door answers 503 in its own words, and status and health still answer', async () => {
    const stored = await fetch(`${node.api_url}/api/v1/shards/store`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        shard_id: 'one',
        shard_data: '',
        original_hash: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
      }),
    });
    expect(stored.status).toBe(503);
    expect(stored.headers.get('retry-after')).toBe('1');
    expect(await stored.json()).toEqual({ detail: expect.any(String) });
    for (const path of ['/api/v1/shards/one', '/api/v1/shards']) {
      const answer = await fetch(`${node.api_url}${path}`);
      expect(answer.status).toBe(503);
      await answer.body?.cancel();
    }
    const status = (await (await fetch(`${node.api_url}/api/v1/status`)).json()) as Record<string, unknown>;
    expect(status.shards).toEqual({ total_count: 0, total_size_bytes: 0, counted_at: null });
    expect((await fetch(`${node.api_url}/health`)).status).toBe(200);
  });
});
