import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { StoreError } from '../contract/index.js';
import { createCredentialSource } from '../s3/credential-source.js';
import { listenToMinio, type NotificationOptions, type Notifications } from './notifications.js';

/** A server that speaks as MinIO does to its listeners. */
let server: Server;
let streams: ServerResponse[];
let writes: ServerResponse[];
let listener: Notifications | undefined;
let records: unknown[];
let connects: number;
let wake: () => void;

beforeEach(async () => {
  streams = [];
  writes = [];
  records = [];
  connects = 0;
  server = createServer((request, response) => {
    (request.method === 'PUT' ? writes : streams).push(response);
    wake();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
});
afterEach(async () => {
  vi.useRealTimers();
  await listener?.close();
  server.closeAllConnections();
  server.close();
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) {
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
}

function listen(options: Partial<NotificationOptions> = {}): Notifications {
  const { port } = server.address() as AddressInfo;
  listener = listenToMinio({
    minio: {
      name: 'lan',
      endpoint: `http://127.0.0.1:${port}`,
      region: 'us-east-1',
      provider: 'minio',
      credentials: createCredentialSource(async () => ({ accessKeyId: 'key', secretAccessKey: 'secret' })),
    },
    onConnect: async () => {
      connects += 1;
      wake();
    },
    onRecord: async (record) => {
      records.push(record);
      wake();
    },
    ...options,
  });
  return listener;
}

it('records come in order, however the stream is cut into pieces', async () => {
  const { status } = listen();
  await until(() => streams.length === 1);
  const text = '{"Records":[{"n":1},{"n":2}]}\n{"Records":null}\n  {"Records":[{"n":"ü"}]}\n';
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += 7) streams[0]?.write(bytes.subarray(at, at + 7));
  await until(() => records.length === 3);
  expect(records).toEqual([{ n: 1 }, { n: 2 }, { n: 'ü' }]);
  expect(status()).toMatchObject({ connected: true, last_error: null });
});

it('an interruption is noticed, and another stream is asked for', async () => {
  const { status } = listen();
  await until(() => streams.length === 1);
  streams[0]?.write('{"Records":[{"n":1}]}\n');
  await until(() => records.length === 1);
  streams[0]?.end();
  await until(() => streams.length === 2);
  expect(status().connected).toBe(false);
  streams[1]?.write('{"Records":[{"n":2}]}\n');
  await until(() => records.length === 2);
  streams[1]?.destroy();
  await until(() => streams.length === 3);
  streams[2]?.writeHead(403).end();
  await until(() => streams.length === 4);
  expect(status()).toMatchObject({ connected: false, last_error: 'access_denied' });
  expect(connects).toBe(2);
});

it('closing does not wait for a server that never answers', async () => {
  const { close } = listen();
  await until(() => streams.length === 1);
  await close();
  expect(connects).toBe(0);
});

/** The clock of the listener; what goes over the wire takes the time it takes. */
function ownClock() {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
  return (ms: number) => void vi.advanceTimersByTime(ms);
}

async function seen(condition: () => boolean): Promise<void> {
  for (let n = 0; !condition() && n < 4_000; n++) await new Promise((resolve) => setTimeout(resolve, 2));
  expect(condition()).toBe(true);
}

async function begin(stream: ServerResponse | undefined, count: number): Promise<void> {
  stream?.writeHead(200).flushHeaders();
  await until(() => connects === count);
  // The listener goes on from there.
  await new Promise((resolve) => setImmediate(resolve));
}

it('a listener that may not fill the buffer says so, and asks for fewer and fewer streams', async () => {
  const pass = ownClock();
  const { status } = listen();
  await until(() => streams.length === 1);
  await begin(streams[0], 1);
  pass(12_000);
  await until(() => writes.length === 1);
  writes[0]?.writeHead(403).end();
  await seen(() => status().last_error === 'access_denied');
  expect(status()).toMatchObject({ connected: true, flushing: false });
  pass(22_000);
  await until(() => streams.length === 2);
  await begin(streams[1], 2);
  pass(6_000);
  await until(() => writes.length === 2);
  writes[1]?.writeHead(403).end();
  await seen(() => !status().flushing);
  pass(40_000);
  expect(status().connected).toBe(true);
  pass(22_000);
  await until(() => streams.length === 3);
  expect(writes).toHaveLength(2);
});

it('time that the listener takes itself is no silence of the server', async () => {
  const pass = ownClock();
  let go = (): void => undefined;
  const onConnect = () =>
    new Promise<void>((resolve) => {
      connects += 1;
      wake();
      go = resolve;
    });
  const { status } = listen({ onConnect });
  await until(() => streams.length === 1);
  await begin(streams[0], 1);
  pass(120_000);
  go();
  streams[0]?.write('{"Records":[{"n":1}]}\n');
  await until(() => records.length === 1);
  expect(streams).toHaveLength(1);
  expect(status()).toMatchObject({ connected: true, last_error: null });
});

it('a record that cannot be written ends the stream, so that the next one makes up for it', async () => {
  const onRecord = async () => {
    throw new StoreError('unexpected', 'the disk is full');
  };
  const { status } = listen({ onRecord });
  await until(() => streams.length === 1);
  streams[0]?.write('{"Records":[{"n":1}]}\n');
  await until(() => streams.length === 2);
  expect(status()).toMatchObject({ connected: false, last_error: 'unexpected' });
  await begin(streams[1], 2);
});
