import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { listenToMinio, type Notifications } from './notifications.js';

/** A server that speaks as MinIO does to its listeners. */
let server: Server;
let streams: ServerResponse[];
let listener: Notifications | undefined;
let records: unknown[];
let connects: number;
let wake: () => void;

beforeEach(async () => {
  streams = [];
  records = [];
  connects = 0;
  server = createServer((_request, response) => {
    streams.push(response);
    wake();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
});
afterEach(async () => {
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

function listen(): Notifications {
  const { port } = server.address() as AddressInfo;
  listener = listenToMinio({
    minio: {
      name: 'lan',
      endpoint: `http://127.0.0.1:${port}`,
      region: 'us-east-1',
      provider: 'minio',
      credentials: async () => ({ accessKeyId: 'key', secretAccessKey: 'secret' }),
    },
    onConnect: async () => {
      connects += 1;
      wake();
    },
    onRecord: async (record) => {
      records.push(record);
      wake();
    },
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
