import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Agent } from 'undici';
import { expect, it, onTestFinished } from 'vitest';
import { createRandom, integerBetween } from '../conformance/support/bytes.js';
import type { AnswerBody } from './answer-body.js';
import { exchange } from './exchange.js';
import { growingReads } from './growing-reads.js';

/** Memory that answers are read into is used again: here a server says byte for byte how they come. */

const MIB = 1024 ** 2;
const CONTENT = randomBytes(12 * MIB);
const random = createRandom(7);

interface Piece {
  readonly bytes: Uint8Array;
  readonly from: number;
}

/** By the first part of the path; the second one is where the content begins in CONTENT, the third its length. */
const ANSWERS: Readonly<Record<string, (socket: Socket, content: Buffer) => unknown>> = {
  plain(socket, content) {
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${content.length}\r\n\r\n`);
    socket.write(content);
  },
  hinted(socket, content) {
    socket.write('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n');
    ANSWERS.plain?.(socket, content);
  },
  /** Chunks of HTTP of all sizes: several to a read, and some over many reads. */
  chunked(socket, content) {
    socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
    for (let at = 0; at < content.length; ) {
      const length = integerBetween(random, 1, random() < 0.5 ? 90_000 : 1_500_000);
      const chunk = content.subarray(at, at + length);
      socket.write(
        Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]),
      );
      at += chunk.length;
    }
    socket.write('0\r\n\r\n');
  },
  until_close(socket, content) {
    socket.end(Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n'), content]));
  },
  /** As proxies say it behind so many requests of a connection. */
  closing(socket, content) {
    const head = `HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: ${content.length}\r\n\r\n`;
    socket.end(Buffer.concat([Buffer.from(head), content]));
  },
  closing_early(socket, content) {
    socket.end(tooShort(content));
  },
  /** As load balancers end what they no longer want, here when it has come and may wait to be read. */
  async reset(socket, content) {
    socket.write(tooShort(content));
    for (let turn = 0; turn < 50; turn += 1) await nextTurn();
    socket.resetAndDestroy();
  },
  cut(socket, content) {
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${content.length}\r\n\r\n`);
    socket.write(content.subarray(0, integerBetween(random, 0, content.length - 1)), () => socket.destroy());
  },
  /** More than it announces, in the same packet. */
  behind(socket, content) {
    const head = `HTTP/1.1 200 OK\r\ncontent-length: ${content.length}\r\n\r\n`;
    socket.write(Buffer.concat([Buffer.from(head), content, Buffer.alloc(10_000, 'HTTP/1.1 200 OK\r\n')]));
  },
  without_body(socket, content) {
    socket.write(`HTTP/1.1 204 No Content\r\nx-length: ${content.length}\r\n\r\n`);
  },
  head(socket, content) {
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${content.length}\r\n\r\n`);
  },
};

function tooShort(content: Buffer): Buffer {
  const head = `HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: ${content.length + 1}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), content]);
}

function answer(socket: Socket, request: string): void {
  const [method, path = ''] = request.split(' ');
  const [kind = '', from = 0, length = 0] = path.split('/').slice(1);
  const content = CONTENT.subarray(Number(from), Number(from) + Number(length));
  ANSWERS[method === 'HEAD' ? 'head' : kind]?.(socket, content);
}

async function serve() {
  const server = createServer((socket) => {
    let text = '';
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (!text.endsWith('\r\n\r\n')) return;
      answer(socket, text);
      text = '';
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const agent = new Agent({ connections: 6, connect: { onread: growingReads() } });
  onTestFinished(async () => {
    await agent.destroy();
    server.close();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return async (path: string, method: 'GET' | 'HEAD' = 'GET'): Promise<AnswerBody> =>
    (await exchange(agent, { origin, path, method, headers: {} }, undefined)).body;
}

/** Reads as lent: a piece has to stay as it is, and in no other hands, until the next one is asked for. */
function createReader() {
  const held = new Set<Piece>();
  const lies = ({ bytes, from }: Piece) =>
    CONTENT.compare(bytes, 0, bytes.length, from, from + bytes.length) === 0;
  const touches = (a: Uint8Array, b: Uint8Array) =>
    a.buffer === b.buffer && a.byteOffset < b.byteOffset + b.length && b.byteOffset < a.byteOffset + a.length;

  /** How much came. */
  return async (body: AnswerBody, from: number, stop_at = Number.POSITIVE_INFINITY): Promise<number> => {
    let at = 0;
    for await (const bytes of body) {
      const piece = { bytes, from: from + at };
      expect([...held].some((other) => touches(other.bytes, bytes))).toBe(false);
      held.add(piece);
      const turns = random() < 0.1 ? 20 : integerBetween(random, 0, 2);
      for (let turn = 0; turn < turns; turn += 1) await nextTurn();
      expect(lies(piece)).toBe(true);
      held.delete(piece);
      at += bytes.length;
      if (at >= stop_at) break;
    }
    return at;
  };
}

const COMPLETE = ['plain', 'hinted', 'chunked', 'until_close', 'closing'];

it('answers of every form come right while others are cut, left early or never read', async () => {
  const get = await serve();
  const read = createReader();
  const whole = async (kind: string) => {
    const length = integerBetween(random, 1, random() < 0.3 ? 60_000 : 5 * MIB);
    const from = integerBetween(random, 0, CONTENT.length - length);
    expect(await read(await get(`/${kind}/${from}/${length}`), from)).toBe(length);
  };
  const broken = async () => {
    const length = integerBetween(random, MIB, 4 * MIB);
    const from = integerBetween(random, 0, CONTENT.length - length);
    const path = `/${from}/${length}`;
    const way = random();
    if (way < 0.3) {
      const reading = get(`/cut${path}`).then((body) => read(body, from));
      await expect(reading).rejects.toThrow();
    } else if (way < 0.6) await read(await get(`/chunked${path}`), from, integerBetween(random, 1, length));
    else if (way < 0.8) (await get(`/plain${path}`)).discard();
    else await expect((await get(`/chunked${path}`)).whole(100_000)).rejects.toThrow(RangeError);
  };
  const workers = Array.from({ length: 10 }, async (_, worker) => {
    for (let round = 0; round < 8; round += 1) {
      if (random() < 0.3) await broken();
      else await whole(COMPLETE[(worker + round) % COMPLETE.length] ?? 'plain');
    }
  });
  await Promise.all(workers);
});

it('answers without a body, and bytes behind one, leave the next ones alone', async () => {
  const get = await serve();
  const read = createReader();
  const length = 3 * MIB + 1;
  const round = async (from: number) => {
    expect(await read(await get(`/x/${from}/${length}`, 'HEAD'), from)).toBe(0);
    expect(await read(await get(`/plain/${from}/${length}`), from)).toBe(length);
    expect(await read(await get(`/without_body/${from}/${length}`), from)).toBe(0);
    // What comes too much may break the connection, not the bytes.
    await read(await get(`/behind/${from}/${length}`), from).catch(() => undefined);
    expect(await read(await get(`/chunked/${from}/${length}`), from)).toBe(length);
  };
  await Promise.all([1, 500_000, MIB, 4 * MIB + 3].map(round));
});

it('what was read into memory in one piece is the same from whole answers', async () => {
  const get = await serve();
  const length = 700_001;
  const kinds = ['plain', 'chunked', 'hinted', 'until_close'];
  const all = await Promise.all(
    Array.from({ length: 24 }, async (_, index) => {
      const from = index * 400_000;
      const bytes = await (await get(`/${kinds[index % kinds.length]}/${from}/${length}`)).whole(length);
      return { bytes, from };
    }),
  );
  for (const { bytes, from } of all) {
    expect(CONTENT.subarray(from, from + length).equals(bytes)).toBe(true);
  }
});

it('a connection may end while its answer waits to be read', async () => {
  const get = await serve();
  const read = createReader();
  const waiting = async (kind: string, length: number) => {
    const body = await get(`/${kind}/0/${length}`);
    for (let turn = 0; turn < 200; turn += 1) await nextTurn();
    return read(body, 0);
  };
  // So much that it is paused once or several times, with and without a rest that was not looked at yet.
  for (const length of [5_000, 100_000, 150_001, 300_000, 3 * MIB]) {
    expect(await waiting('closing', length)).toBe(length);
    expect(await waiting('until_close', length)).toBe(length);
    await expect(waiting('closing_early', length)).rejects.toThrow();
    await expect(waiting('reset', length)).rejects.toThrow();
  }
});
