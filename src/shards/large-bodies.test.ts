import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MIB, sha256, startTestNode, storeDocument, type TestNode } from './testing/node.js';

let node: TestNode;
beforeAll(async () => {
  node = await startTestNode({ settings: { shard_bytes_max: MIB } });
});
afterAll(() => node.close());

const STORE_LINE =
  'POST /api/v1/shards/store HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
const ENDLESS_BYTES = 2 * 1024 * MIB;

/** Sends without end until the other side closes; says what came back and how much went out. */
async function pour(head: string, frame: (piece: Buffer) => Buffer) {
  const socket: Socket = connect(node.port, '127.0.0.1');
  await once(socket, 'connect');
  let answer = '';
  socket.setEncoding('latin1').on('data', (chunk) => {
    answer += chunk;
  });
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  socket.write(head);
  const piece = frame(Buffer.alloc(64 * 1024, 'A'));
  const send = () => {
    while (!socket.destroyed && socket.writable && socket.bytesWritten < ENDLESS_BYTES) {
      if (!socket.write(piece)) break;
    }
  };
  socket.on('drain', send);
  send();
  await closed;
  return { answer, sent_bytes: socket.bytesWritten };
}

describe('bodies above the limit', () => {
  it('are refused by their declared length, with nothing read', async () => {
    const { answer, sent_bytes } = await pour(
      `${STORE_LINE}Content-Length: ${ENDLESS_BYTES}\r\n\r\n`,
      (p) => p,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toContain('{"detail":"');
    expect(sent_bytes).toBeLessThan(32 * MIB);
  });

  it('are refused on the way when they declare no length', async () => {
    const chunked = (piece: Buffer) =>
      Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]);
    const head = `${STORE_LINE}Transfer-Encoding: chunked\r\n\r\n`;
    const in_data = `{"shard_id":"x","shard_data":"`;
    const begin = `${head}${in_data.length.toString(16)}\r\n${in_data}\r\n`;
    for (const start of [begin, head]) {
      const { answer, sent_bytes } = await pour(start, chunked);
      expect(answer).toMatch(/^HTTP\/1\.1 413 /);
      expect(sent_bytes).toBeLessThan(32 * MIB);
    }
  });

  it('are refused in the binary form', async () => {
    const head = `PUT /api/v1/shards/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${ENDLESS_BYTES}\r\n\r\n`;
    expect((await pour(head, (piece) => piece)).answer).toMatch(/^HTTP\/1\.1 413 /);
    const chunked = 'PUT /api/v1/shards/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n';
    expect(await node.raw(chunked)).toMatch(/^HTTP\/1\.1 411 /);
  });

  it('are refused before the client sends them, where it asks for leave', async () => {
    const answer = await node.raw(
      `${STORE_LINE}Expect: 100-continue\r\nContent-Length: ${ENDLESS_BYTES}\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('begin just above the limit', async () => {
    expect((await node.put('at', Buffer.alloc(MIB))).status).toBe(200);
    const above = await node.put('above', Buffer.alloc(MIB + 1));
    expect(above.status).toBe(413);
    expect(typeof above.json.detail).toBe('string');
    expect((await node.call('GET', '/api/v1/shards/above')).status).toBe(404);
  });

  it('count what lies beside the data too', async () => {
    const document = storeDocument('x', Buffer.alloc(60_000), { metadata: { a: 'a'.repeat(200_000) } });
    expect((await node.call('POST', '/api/v1/shards/store', { json: document })).status).toBe(413);
  });
});

describe('large bodies within the limit', () => {
  it('are taken after 100 Continue', async () => {
    const body = JSON.stringify(storeDocument('asked', Buffer.alloc(100_000, 1)));
    const socket = connect(node.port, '127.0.0.1');
    socket.write(
      `${STORE_LINE}Expect: 100-continue\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`,
    );
    const [first] = await once(socket, 'data');
    expect(String(first)).toMatch(/^HTTP\/1\.1 100 /);
    socket.write(body);
    const [second] = await once(socket, 'data');
    expect(String(second)).toMatch(/^HTTP\/1\.1 200 /);
    socket.destroy();
  });

  it('may have their fields in any order, white space, escapes and nested look-alikes', async () => {
    const data = Buffer.from(Array.from({ length: 90_000 }, (_, index) => (index * 7919) % 256));
    const text = data.toString('base64').replaceAll('/', '\\/').replaceAll('+', '\\u002b');
    const metadata = { shard_data: 'not this', list: ['shard_data', { shard_data: '"' }], 'q"': '\\' };
    const spellings = [
      `{ "metadata" : ${JSON.stringify(metadata)} ,\n"shard_data"\t: "${text}" , "original_hash":"${sha256(data)}","shard_id":"spelt"}`,
      `{"shard_id":"spelt","\\u0073hard_data":"${text}","original_hash":"${sha256(data)}","metadata":${JSON.stringify(metadata)}}`,
    ];
    for (const body of spellings) {
      const stored = await node.call('POST', '/api/v1/shards/store', { body });
      expect(stored).toMatchObject({ status: 200, json: { shard_id: 'spelt' } });
      const { json } = await node.call('GET', '/api/v1/shards/spelt');
      expect(Buffer.from(json.shard_data, 'base64').equals(data)).toBe(true);
      expect(json.metadata).toEqual(metadata);
      await node.call('DELETE', '/api/v1/shards/spelt');
    }
  });

  it.each([
    ['an end in the data', (text: string) => text.slice(0, -10)],
    ['an end behind the data', (text: string) => text.slice(0, text.lastIndexOf('"') - 70)],
    ['something behind it', (text: string) => `${text}x`],
    ['the data twice', (text: string) => text.replace('{', '{"shard_data":"",')],
    ['a missing field', (text: string) => text.replace('"shard_id":', '"shard_ie":')],
  ])('answer 422 for %s', async (_what, spoil) => {
    const text = `{"shard_id":"x","original_hash":"${sha256('x')}","shard_data":"${'AAAA'.repeat(30_000)}"}`;
    const answer = await node.call('POST', '/api/v1/shards/store', { body: spoil(text) });
    expect(answer.status).toBe(422);
    expect(Array.isArray(answer.json.detail)).toBe(true);
  });

  it('leave nothing behind when the client goes away', async () => {
    const { json: before } = await node.call('GET', '/api/v1/status');
    const head = `${STORE_LINE}Content-Length: 200000\r\n\r\n{"shard_id":"lost","shard_data":"${'AAAA'.repeat(20_000)}`;
    const socket = connect(node.port, '127.0.0.1');
    socket.write(head);
    await expect
      .poll(async () => (await node.call('GET', '/api/v1/status')).json.network.active_transfers)
      .toBe(1);
    socket.destroy();
    await expect
      .poll(async () => (await node.call('GET', '/api/v1/status')).json.network.active_transfers)
      .toBe(0);
    expect((await node.call('GET', '/api/v1/shards/lost')).status).toBe(404);
    expect((await node.call('GET', '/api/v1/status')).json.storage).toEqual(before.storage);
  });
});
