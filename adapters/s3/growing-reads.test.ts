import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Agent } from 'undici';
import { expect, it, onTestFinished } from 'vitest';
import { exchange } from './exchange.js';
import { growingReads } from './growing-reads.js';

const MIB = 1024 ** 2;
const LARGE = randomBytes(4 * MIB);
const SMALL = randomBytes(5_000);

async function serve() {
  const server = createServer((request, response) => response.end(request.url === '/large' ? LARGE : SMALL));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const agent = new Agent({ connections: 3, connect: { onread: growingReads() } });
  onTestFinished(async () => {
    await agent.close();
    server.close();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const get = { origin, method: 'GET', headers: {} } as const;
  return async (path: string) => (await exchange(agent, { ...get, path }, undefined)).body;
}

it('answers on many connections do not mix', async () => {
  const get = await serve();
  const whole = async (path: string) => (await get(path)).whole(LARGE.length);
  // Kept until all others have come: none of them may lie in memory that is used again.
  const small = Array.from({ length: 200 }, () => whole('/small'));
  const large = Array.from({ length: 9 }, () => whole('/large'));
  for (const bytes of await Promise.all(small)) expect(SMALL.equals(bytes)).toBe(true);
  for (const bytes of await Promise.all(large)) expect(LARGE.equals(bytes)).toBe(true);
});

it('a piece stays as it is until its reader asks for the next one', async () => {
  const get = await serve();
  const read = async () => {
    let at = 0;
    for await (const piece of await get('/large')) {
      // Meanwhile the others read on.
      await nextTurn();
      expect(LARGE.subarray(at, at + piece.length).equals(piece)).toBe(true);
      at += piece.length;
    }
    expect(at).toBe(LARGE.length);
  };
  await Promise.all(Array.from({ length: 12 }, read));
});

it('a large answer comes in large pieces', async () => {
  const get = await serve();
  let largest_bytes = 0;
  for await (const piece of await get('/large')) largest_bytes = Math.max(largest_bytes, piece.length);
  expect(largest_bytes).toBeGreaterThan(64 * 1024);
});

it('large answers one after another need no more memory than one', async () => {
  const get = await serve();
  const memory = new Set<ArrayBufferLike>();
  let pieces = 0;
  for (let answer = 0; answer < 20; answer += 1) {
    for await (const piece of await get('/large')) {
      if (piece.buffer.byteLength <= 64 * 1024) continue;
      memory.add(piece.buffer);
      pieces += 1;
    }
  }
  expect(pieces).toBeGreaterThanOrEqual(60);
  expect(memory.size).toBeLessThan(10);
});

it('a small answer that somebody keeps does not hold more memory than it has bytes', async () => {
  const get = await serve();
  const bytes = await (await get('/small')).whole(SMALL.length);
  expect(bytes.buffer.byteLength).toBeLessThan(2 * SMALL.length);
});
