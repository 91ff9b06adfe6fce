import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MIB, sha256, startTestNode, storeDocument, type TestNode } from './testing/node.js';

let node: TestNode;
beforeAll(async () => {
  node = await startTestNode();
});
afterAll(() => node.close());

const STORE = '/api/v1/shards/store';

describe('storing and retrieving', () => {
  it('gives back what was stored', async () => {
    const stored = await node.put('one', 'hello', { source_node: 'main-1', metadata: { a: [1, 'x'] } });
    expect(stored.status).toBe(200);
    expect(stored.json).toMatchObject({ success: true, shard_id: 'one' });
    const { status, json } = await node.call('GET', '/api/v1/shards/one');
    expect(status).toBe(200);
    expect(json).toMatchObject({
      shard_id: 'one',
      shard_data: Buffer.from('hello').toString('base64'),
      size_bytes: 5,
      original_hash: sha256('hello'),
      source_node: 'main-1',
      metadata: { a: [1, 'x'] },
    });
    expect(json.retrieved_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00$/);
  });

  it('takes an empty shard', async () => {
    expect((await node.put('empty', '')).status).toBe(200);
    const { status, json } = await node.call('GET', '/api/v1/shards/empty');
    expect(status).toBe(200);
    expect(json).toMatchObject({ shard_data: '', size_bytes: 0 });
  });

  it.each([1, 3 * 1024, 64 * 1024, MIB - 1, MIB + 1, 5 * MIB + 2])(
    'takes %i bytes, in both forms',
    async (size) => {
      const data = randomBytes(size);
      const id = `sized-${size}`;
      expect((await node.put(id, data)).status).toBe(200);
      const as_json = await node.call('GET', `/api/v1/shards/${id}`);
      expect(Buffer.from(as_json.json.shard_data, 'base64').equals(data)).toBe(true);
      expect(as_json.json.size_bytes).toBe(size);
      const put = await node.call('PUT', `/api/v1/shards/${id}-raw`, {
        headers: { 'content-type': 'application/octet-stream', 'x-backup-node-sha256': sha256(data) },
        body: data,
      });
      expect(put.status).toBe(200);
      const raw = await node.call('GET', `/api/v1/shards/${id}-raw`, {
        headers: { accept: 'application/octet-stream' },
      });
      expect(raw.headers['content-type']).toBe('application/octet-stream');
      expect(raw.headers['x-backup-node-sha256']).toBe(sha256(data));
      expect(raw.bytes.equals(data)).toBe(true);
    },
  );

  it('keeps what the headers of the binary form say', async () => {
    await node.call('PUT', '/api/v1/shards/with-headers', {
      headers: {
        'x-backup-node-sha256': sha256('x').toUpperCase(),
        'x-backup-node-source-node': encodeURIComponent('Köln 1'),
        'x-backup-node-metadata': encodeURIComponent('{"k":"é"}'),
      },
      body: Buffer.from('x'),
    });
    const { json } = await node.call('GET', '/api/v1/shards/with-headers');
    expect(json).toMatchObject({ source_node: 'Köln 1', metadata: { k: 'é' } });
  });

  it('replaces a shard of the same id', async () => {
    await node.put('again', 'first');
    await node.put('again', 'second one');
    const { json } = await node.call('GET', '/api/v1/shards/again');
    expect(Buffer.from(json.shard_data, 'base64').toString()).toBe('second one');
  });

  it('ends in one of many concurrent stores of one id, and never without it', async () => {
    await node.put('raced', 'v0');
    const bodies = Array.from({ length: 20 }, (_, index) => `version ${index} `.repeat(1 + index * 300));
    const reads = Array.from({ length: 40 }, () => node.call('GET', '/api/v1/shards/raced'));
    const stores = bodies.map((body) => node.put('raced', body));
    for (const { status } of await Promise.all(stores)) expect(status).toBe(200);
    const possible = new Set(['v0', ...bodies]);
    for (const { status, json } of [
      ...(await Promise.all(reads)),
      await node.call('GET', '/api/v1/shards/raced'),
    ]) {
      expect(status).toBe(200);
      expect(possible.has(Buffer.from(json.shard_data, 'base64').toString())).toBe(true);
    }
  });

  it('says 404 for what is not there, and once it is deleted', async () => {
    expect(await node.call('GET', '/api/v1/shards/nowhere')).toMatchObject({
      status: 404,
      json: { detail: 'Shard not found' },
    });
    expect((await node.call('DELETE', '/api/v1/shards/nowhere')).status).toBe(404);
    await node.put('short-lived', 'x');
    const deleted = await node.call('DELETE', '/api/v1/shards/short-lived');
    expect(deleted).toMatchObject({ status: 200, json: { success: true, shard_id: 'short-lived' } });
    expect((await node.call('GET', '/api/v1/shards/short-lived')).status).toBe(404);
    expect((await node.call('DELETE', '/api/v1/shards/short-lived')).status).toBe(404);
  });

  it('shows objects that were put into the bucket through another door', async () => {
    await node.store.putObject({ bucket: 'shards', key: 'from/s3', body: Buffer.from('s3!'), size_bytes: 3 });
    const { json } = await node.call('GET', '/api/v1/shards/from%2Fs3');
    expect(Buffer.from(json.shard_data, 'base64').toString()).toBe('s3!');
    const { info } = await node.store.headObject({ bucket: 'shards', key: 'one' });
    expect(info.size_bytes).toBe(5);
    expect(info.owner).toBe('root-id');
  });
});

describe('what is refused', () => {
  it('stores nothing when the digest does not match', async () => {
    const wrong = await node.put('wrong', 'data', { original_hash: sha256('other') });
    expect(wrong.status).toBe(400);
    expect(typeof wrong.json.detail).toBe('string');
    expect((await node.call('GET', '/api/v1/shards/wrong')).status).toBe(404);
    const large = await node.put('wrong', randomBytes(2 * MIB), { original_hash: sha256('other') });
    expect(large.status).toBe(400);
    const raw = await node.call('PUT', '/api/v1/shards/wrong', {
      headers: { 'x-backup-node-sha256': sha256('other') },
      body: 'data',
    });
    expect(raw.status).toBe(400);
    expect((await node.call('GET', '/api/v1/shards/wrong')).status).toBe(404);
  });

  it('takes a digest in either letter case', async () => {
    const answer = await node.put('cased', 'data', { original_hash: sha256('data').toUpperCase() });
    expect(answer.status).toBe(200);
  });

  it.each([
    ['no JSON', '{"shard_id":'],
    ['an array', '[]'],
    ['nothing', ''],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ['a missing field', JSON.stringify({ shard_id: 'x', shard_data: '' })],
    ['a number for an id', JSON.stringify({ ...storeDocument('x', 'x'), shard_id: 5 })],
    ['null for the data', JSON.stringify({ ...storeDocument('x', 'x'), shard_data: null })],
    ['a list for metadata', JSON.stringify(storeDocument('x', 'x', { metadata: [] }))],
    ['a number for the source', JSON.stringify(storeDocument('x', 'x', { source_node: 1 }))],
    ['a short digest', JSON.stringify(storeDocument('x', 'x', { original_hash: 'abc' }))],
    [
      'a digest with other letters',
      JSON.stringify(storeDocument('x', 'x', { original_hash: 'g'.repeat(64) })),
    ],
    ['an empty id', JSON.stringify(storeDocument('', 'x'))],
    ['an id of 1,025 bytes', JSON.stringify(storeDocument(`${'é'.repeat(512)}a`, 'x'))],
    ['half a character', JSON.stringify(storeDocument('\ud800', 'x'))],
    [
      'metadata without bound',
      JSON.stringify(storeDocument('x', 'x', { metadata: { a: 'a'.repeat(70_000) } })),
    ],
  ])('answers 422 with a list for %s', async (_what, body) => {
    const answer = await node.call('POST', STORE, { body, headers: { 'content-type': 'application/json' } });
    expect(answer.status).toBe(422);
    expect(answer.json.detail.length).toBeGreaterThan(0);
    for (const problem of answer.json.detail) {
      expect(problem).toMatchObject({
        loc: expect.any(Array),
        msg: expect.any(String),
        type: expect.any(String),
      });
    }
  });

  it.each(['QQ', 'QQ=', 'QQ===', '=', '====', 'Q Q==', 'QQ==\n', 'QQ-_', 'QQ==QQ==', 'é===', '!!!!'])(
    'answers 422 for the base64 %j, short and long',
    async (text) => {
      const short = { ...storeDocument('b64', 'A'), shard_data: text };
      expect((await node.call('POST', STORE, { json: short })).status).toBe(422);
      const long = { ...short, shard_data: 'AAAA'.repeat(20_000) + text };
      expect((await node.call('POST', STORE, { json: long })).status).toBe(422);
    },
  );

  it('names all that is wrong at once', async () => {
    const { json } = await node.call('POST', STORE, { json: { shard_data: 1 } });
    expect(json.detail.map(({ loc }: { loc: string[] }) => loc.join('.'))).toEqual([
      'body.shard_id',
      'body.shard_data',
      'body.original_hash',
    ]);
  });

  it('answers 404 and 405 in the same shape', async () => {
    expect(await node.call('GET', '/nowhere')).toMatchObject({ status: 404, json: { detail: 'Not Found' } });
    const wrong = await node.call('PATCH', '/api/v1/shards/one');
    expect(wrong).toMatchObject({ status: 405, json: { detail: 'Method Not Allowed' } });
    expect(wrong.headers.allow).toBe('GET, PUT, DELETE');
    expect((await node.call('DELETE', '/api/v1/nodes')).status).toBe(405);
  });

  it('refuses an absolute request target', async () => {
    const answer = await node.raw(
      `GET http://elsewhere/health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  });
});
