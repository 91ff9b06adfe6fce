import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { ensureBuilt, makeWorkplace, type Workplace } from './testing/run-node.js';

let place: Workplace;
beforeAll(ensureBuilt);
beforeEach(() => {
  place = makeWorkplace();
});
afterEach(() => place.clear());

async function refusedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return typeof address === 'object' && address !== null ? address.port : 1;
}

function configure(endpoint: string, mounts: readonly object[]): string {
  const file = join(place.folder, 'c.json');
  const lan = { type: 'minio', endpoint, access_key: 'key', secret_key: 'hidden-secret' };
  const config = { adapters: { disk: { type: 'local', path: 'disk' }, lan }, mounts };
  writeFileSync(file, JSON.stringify(config));
  return file;
}

const MOUNTS = [
  { buckets: 'photos', adapter: 'lan', upstream_bucket: 'company-photos', read_only: true },
  { buckets: 'team-*', adapter: 'lan', upstream_prefix: 'x-' },
  { buckets: '*', adapter: 'disk' },
];

it('says where each bucket lands and why', async () => {
  const file = configure('http://127.0.0.1:9', MOUNTS);
  const check = (...args: string[]) => place.run(['config', 'check', '--config', file, ...args]);
  const { code, stdout, stderr } = await check('photos', 'team-a', 'other');
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(
    /^photos +lan +minio +http:\/\/127\.0\.0\.1:9 +company-photos +read-only +not counted$/m,
  );
  expect(stdout).toMatch(/^team-\* .*x-team-\* +read and write +not counted$/m);
  expect(stdout).toMatch(/^\* +disk +local +disk +the same name +read and write +counted +shards$/m);
  expect(stdout).toMatch(
    /^team-a +lan +x-team-a +mounts\[1\] \("team-\*"\) is the first that matches, before mounts\[2\] \("\*"\)$/m,
  );
  expect(stdout).not.toContain('hidden-secret');
  const { mounts, buckets } = JSON.parse((await check('other', '--json')).stdout);
  expect(mounts).toHaveLength(3);
  expect(buckets).toEqual([
    {
      bucket: 'other',
      mount: 2,
      adapter: 'disk',
      upstream_bucket: 'other',
      reason: 'mounts[2] ("*") is the only one that matches',
      exists: null,
    },
  ]);
});

it('fails where a name lands nowhere, where a start would, and where an upstream does not answer', async () => {
  const file = configure(`http://127.0.0.1:${await refusedPort()}`, [
    { buckets: 'shards', adapter: 'lan' },
    { buckets: 'a*', adapter: 'disk' },
  ]);
  const check = (...args: string[]) => place.run(['config', 'check', '--config', file, ...args]);
  const nowhere = await check('zebra');
  expect(nowhere.code).toBe(7);
  expect(nowhere.stdout).toMatch(/^zebra +nowhere +- +no mount takes this name$/m);
  expect(nowhere.stdout).toMatch(/^warning: the bucket shards lies on lan, which does not count/m);
  expect(nowhere.stdout).toMatch(/^warning: mounts: the last one is not/m);
  const online = await check('--online', 'shards');
  expect(online.code).toBe(1);
  expect(online.stdout).toMatch(/^warning: adapters\.lan does not answer: .*ECONNREFUSED/m);
  expect(online.stdout).toMatch(/^shards +lan +shards +not known/m);
  const twice = configure('http://127.0.0.1:9', [...MOUNTS, { buckets: 'z', adapter: 'disk' }]);
  const refused = await place.run(['config', 'check', '--config', twice]);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain('mounts[3].buckets: "z" can never match');
});
