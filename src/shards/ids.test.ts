import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256, startTestNode, type TestNode } from './testing/node.js';

let node: TestNode;
beforeAll(async () => {
  node = await startTestNode();
});
afterAll(() => node.close());

const IDS = [
  'plain',
  'a',
  'a/',
  'a//',
  '/a',
  '//',
  'a/b',
  '../a',
  '../../etc/passwd',
  '..',
  '.',
  'a/../b',
  'with space',
  '100%',
  '%2F',
  '%',
  'what?x=1&y',
  'hash#tag',
  'plus+plus',
  'semi;colon,comma',
  '"quoted"\\back',
  'tab\tand\nline',
  'nul\0inside',
  'emoji 🐘',
  'ümläut',
  'store',
  'e\u0301 is not \u00e9',
  'x'.repeat(1_024),
  '🐘'.repeat(256),
];

/** Percent-encodes every byte that is not a letter or digit: the hardest form to keep. */
function encode(id: string): string {
  return [...Buffer.from(id)]
    .map((byte) => {
      const letter = String.fromCharCode(byte);
      return /[A-Za-z0-9]/.test(letter) ? letter : `%${byte.toString(16).padStart(2, '0')}`;
    })
    .join('');
}

describe('shard ids', () => {
  it('are all different and come back as they are', async () => {
    for (const [index, id] of IDS.entries()) {
      const stored = await node.put(id, `content ${index}`);
      expect(stored, id).toMatchObject({ status: 200, json: { shard_id: id } });
    }
    for (const [index, id] of IDS.entries()) {
      const { status, json } = await node.call('GET', `/api/v1/shards/${encode(id)}`);
      expect(status, id).toBe(200);
      expect(json.shard_id).toBe(id);
      expect(Buffer.from(json.shard_data, 'base64').toString()).toBe(`content ${index}`);
    }
    const { json } = await node.call('GET', '/api/v1/shards');
    const listed: string[] = json.shards.map(({ shard_id }: { shard_id: string }) => shard_id);
    expect(new Set(listed)).toEqual(new Set(IDS));
    expect(json.total_count).toBe(IDS.length);
    const bytes = listed.map((id) => Buffer.from(id));
    expect(bytes).toEqual([...bytes].sort(Buffer.compare));
  });

  it('work in the binary form too', async () => {
    for (const id of IDS) {
      const path = `/api/v1/shards/${encode(id)}`;
      const put = await node.call('PUT', path, {
        headers: { 'x-backup-node-sha256': sha256(id), 'content-type': 'application/octet-stream' },
        body: id,
      });
      expect(put, id).toMatchObject({ status: 200, json: { shard_id: id } });
      const got = await node.call('GET', path, { headers: { accept: 'application/octet-stream' } });
      expect(got.bytes.toString()).toBe(id);
    }
  });

  it('are deleted one by one', async () => {
    for (const [index, id] of IDS.entries()) {
      expect((await node.call('DELETE', `/api/v1/shards/${encode(id)}`)).json, id).toMatchObject({
        shard_id: id,
      });
      const next = IDS[index + 1];
      if (next !== undefined)
        expect((await node.call('GET', `/api/v1/shards/${encode(next)}`)).status).toBe(200);
    }
  });

  it('may stand in the path without encoding where nothing could change them', async () => {
    await node.put('p/q//r/', 'x');
    expect((await node.call('GET', '/api/v1/shards/p/q//r/')).status).toBe(200);
    expect((await node.call('GET', '/api/v1/shards/p/q/r/')).status).toBe(404);
    expect((await node.call('GET', '/api/v1/shards/p/q//r')).status).toBe(404);
  });

  it.each(['', `${'x'.repeat(1_025)}`, encode(`${'🐘'.repeat(256)}x`), '%ff', '%zz', '%', '%ed%a0%80'])(
    'are refused with 422: %s',
    async (raw) => {
      for (const method of ['GET', 'DELETE', 'PUT']) {
        const answer = await node.call(method, `/api/v1/shards/${raw}`);
        expect(answer.status, method).toBe(422);
        expect(answer.json.detail[0].loc).toEqual(['path', 'shard_id']);
      }
    },
  );

  it.each(['../nodes', 'a/../b', '..', 'a/.', './a', '%41/../b'])(
    'are refused with 400 when a proxy would have read them otherwise: %s',
    async (raw) => {
      expect((await node.call('GET', `/api/v1/shards/${raw}`)).status).toBe(400);
    },
  );
});
