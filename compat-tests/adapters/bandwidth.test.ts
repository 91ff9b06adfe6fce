import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bytes, md5 } from '../support/data.js';
import { describeUpstream } from '../support/describe-upstream.js';
import { startNode } from '../support/node.mjs';
import { createPresigner } from '../support/presign.mjs';
import { temporaryFolder } from '../support/temp.mjs';
import { startMinioUpstream } from './entries.js';

const MB = 1_000_000;
const MB_PER_SECOND = 10;
/** In MB: 100 together, which take ten seconds. */
const TRANSFERS = [
  { method: 'PUT', size: 2 },
  { method: 'GET', size: 3 },
  { method: 'PUT', size: 10 },
  { method: 'GET', size: 15 },
  { method: 'PUT', size: 30 },
  { method: 'GET', size: 40 },
] as const;
const ALL_SECONDS = 10;

/** When each of them ends where all that are still under way get the same share: the smaller ones first. */
function fairEnds(sizes: readonly number[]): readonly number[] {
  let at_seconds = 0;
  let before = 0;
  return sizes.map((size, done) => {
    at_seconds += ((size - before) * (sizes.length - done)) / MB_PER_SECOND;
    before = size;
    return at_seconds;
  });
}

describeUpstream('minio', startMinioUpstream, (upstream) => {
  let folder: string;
  let node: Awaited<ReturnType<typeof startNode>>;
  let send: (method: string, path: string, body?: Buffer) => Promise<Response>;

  beforeAll(async () => {
    folder = await temporaryFolder('compat-bandwidth');
    const { s3_url, access_key, secret_key } = upstream();
    const minio = { type: 'minio', endpoint: s3_url, access_key, secret_key };
    const adapters = { minio: { ...minio, bandwidth_limit_mbps: MB_PER_SECOND * 8 } };
    const mounts = [{ buckets: '*', adapter: 'minio' }];
    const start = (name: string, config: Record<string, unknown>) =>
      startNode({ folder: join(folder, name), config });
    node = await start('limited', { adapters, mounts });
    const presign = createPresigner(node.s3_url, node);
    send = async (method, path, body) => {
      const answer = await fetch(`${node.s3_url}${presign(method, path)}`, {
        method,
        ...(body === undefined ? {} : { body }),
      });
      expect(answer.status, `${method} ${path}`).toBe(200);
      return answer;
    };
    await send('PUT', '/paced');
    for (const { method, size } of TRANSFERS)
      if (method === 'GET') await send('PUT', `/paced/get-${size}`, bytes(size * MB, size));
  });
  afterAll(async () => {
    await node?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test('transfers of all sizes together keep to the limit within 5 % over 10 s, each with its share', async () => {
    const contents = new Map(TRANSFERS.map(({ size }) => [size, bytes(size * MB, size)]));
    // What was saved while nothing passed is used up.
    await (await send('GET', '/paced/get-15')).arrayBuffer();
    const began_ms = performance.now();
    const ends = await Promise.all(
      TRANSFERS.map(async ({ method, size }) => {
        const content = contents.get(size);
        const answer = await send(
          method,
          `/paced/${method.toLowerCase()}-${size}`,
          method === 'PUT' ? content : undefined,
        );
        const received = Buffer.from(await answer.arrayBuffer());
        const at_seconds = (performance.now() - began_ms) / 1_000;
        if (method === 'GET') expect(md5(received)).toBe(md5(content ?? received));
        return at_seconds;
      }),
    );
    const all_seconds = Math.max(...ends);
    expect(all_seconds, `all of them, which ended after ${ends} s`).toBeGreaterThan(ALL_SECONDS * 0.95);
    expect(all_seconds, `all of them, which ended after ${ends} s`).toBeLessThan(ALL_SECONDS * 1.05);
    for (const [index, fair] of fairEnds(TRANSFERS.map(({ size }) => size)).entries()) {
      const off = Math.abs((ends[index] ?? 0) - fair);
      expect(off, `ended after ${ends} s, number ${index} not after ${fair}`).toBeLessThan(
        ALL_SECONDS * 0.06,
      );
    }
  });
});
