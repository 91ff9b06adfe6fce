import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it, vi } from 'vitest';
import { LIMITS } from '../../config/limits.js';
import type { Reply } from './operation.js';
import { sendReply } from './reply.js';
import { rawSocket } from './testing/raw-socket.js';

const servers: Server[] = [];
afterEach(() => {
  vi.useRealTimers();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** A server that gives one and the same reply; `outcome` tells how sending it ended. */
async function serve(reply: () => Reply): Promise<{ port: number; outcome: Promise<unknown> }> {
  let tell: (outcome: unknown) => void = () => {};
  const outcome = new Promise<unknown>((resolve) => {
    tell = resolve;
  });
  const server = createServer((request, response) => {
    Promise.resolve(
      sendReply(
        response,
        request.method === 'HEAD',
        reply(),
        { server: 'test' },
        (error) => `<Error>${error}</Error>`,
      ),
    ).then(
      () => tell('sent'),
      (error: unknown) => {
        response.destroy();
        tell(error);
      },
    );
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, outcome };
}

async function get(port: number, method = 'GET'): Promise<string> {
  const socket = await rawSocket(port);
  socket.write(`${method} / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  return socket.rest();
}

it('sends documents with type and length, and leaves out headers without a value', async () => {
  const { port } = await serve(() => ({
    status: 200,
    headers: { etag: '"e"', 'x-none': undefined },
    body: '<é/>',
  }));
  const answer = await get(port);
  expect(answer).toMatch(/\r\ncontent-type: application\/xml\r\ncontent-length: 5\r\n/);
  expect(answer).toContain('etag: "e"');
  expect(answer).not.toContain('x-none');
});

it('tells HEAD the length and sends nothing', async () => {
  const { port } = await serve(() => ({ status: 200, size_bytes: 123, body: Buffer.from('never') }));
  const answer = await get(port, 'HEAD');
  expect(answer).toMatch(/\r\ncontent-length: 123\r\n/);
  expect(answer.endsWith('\r\n\r\n')).toBe(true);
});

it.each([
  [200, 'content-length: 0'],
  [204, undefined],
  [304, undefined],
])('sends %i without a body', async (status, length) => {
  const { port } = await serve(() => ({ status }));
  const answer = await get(port);
  expect(answer.match(/content-length: 0/i)?.[0]).toBe(length);
  expect(answer.endsWith('\r\n\r\n')).toBe(true);
});

it('asks for the next chunk only when the one before has left, because chunks are lent', async () => {
  const lent = Buffer.alloc(256 * 1024);
  const count = 40;
  async function* body() {
    for (let index = 0; index < count; index += 1) {
      lent.fill(index);
      yield lent;
    }
  }
  const { port, outcome } = await serve(() => ({
    status: 200,
    body: body(),
    size_bytes: lent.length * count,
  }));
  const answer = Buffer.from(await get(port), 'latin1');
  const start = answer.indexOf('\r\n\r\n') + 4;
  expect(answer.length - start).toBe(lent.length * count);
  for (let index = 0; index < count; index += 1) {
    const from = start + index * lent.length;
    expect(answer.subarray(from, from + lent.length).every((byte) => byte === index)).toBe(true);
  }
  expect(await outcome).toBe('sent');
});

it('breaks the connection off when a stream fails midway', async () => {
  async function* body() {
    yield Buffer.from('begin');
    throw new Error('rotten block');
  }
  const { port, outcome } = await serve(() => ({ status: 200, body: body(), size_bytes: 100 }));
  expect(await get(port)).toMatch(/content-length: 100\r\n.*begin$/s);
  expect(await outcome).toMatchObject({ message: 'rotten block' });
});

it('sends nothing of a stream that fails at once, so that the error can be answered', async () => {
  async function* body(): AsyncGenerator<Uint8Array> {
    yield* [];
    throw new Error('lost file');
  }
  const { port, outcome } = await serve(() => ({ status: 200, body: body(), size_bytes: 100 }));
  expect(await get(port)).toBe('');
  expect(await outcome).toMatchObject({ message: 'lost file' });
});

it('stops a stream whose client has gone, and lets it clean up', async () => {
  let cleaned = false;
  async function* body() {
    try {
      for (;;) yield Buffer.alloc(1024 * 1024);
    } finally {
      cleaned = true;
    }
  }
  const { port, outcome } = await serve(() => ({ status: 200, body: body() }));
  const socket = await rawSocket(port);
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await socket.until(/200 OK/);
  socket.close();
  expect(await outcome).toBeInstanceOf(Error);
  expect(cleaned).toBe(true);
});

it('keeps a slow answer alive with white space behind the XML declaration', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  let finish: (text: string) => void = () => {};
  const slow_body = new Promise<string>((resolve) => {
    finish = resolve;
  });
  const { port } = await serve(() => ({ status: 200, slow_body }));
  const socket = await rawSocket(port);
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  expect(await socket.until(/\?>/)).toMatch(/^HTTP\/1\.1 200 .*<\?xml version="1.0" encoding="UTF-8"\?>/s);
  vi.advanceTimersByTime(LIMITS.slow_reply_space_interval_ms);
  await socket.until(/1\r\n \r\n/);
  finish('<?xml version="1.0" encoding="UTF-8"?>\n<Result/>');
  const rest = await socket.rest();
  expect(rest).toContain('<Result/>');
  expect(rest).not.toContain('<?xml');
});

it('tells a late failure in the body of a slow answer', async () => {
  const { port } = await serve(() => ({ status: 200, slow_body: Promise.reject(new Error('too late')) }));
  expect(await get(port)).toMatch(/^HTTP\/1\.1 200 .*<Error>Error: too late<\/Error>/s);
});
