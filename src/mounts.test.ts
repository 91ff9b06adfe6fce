/** Mounts of a node's configuration, as a client of S3 sees them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openLocalAdapter } from '../adapters/local/open-local-adapter.js';
import { configSchema } from '../config/schema.js';
import { type RunningNode, startNode } from './app.js';
import { signedClient, type TestClient } from './s3/testing/signed-client.js';

let folder: string;
let node: RunningNode;
let client: TestClient;

/** What was there before the node: a bucket with an object, under a name of its own. */
async function fill(path: string): Promise<void> {
  const archive = await openLocalAdapter({ name: 'archive', path });
  await archive.createBucket({ bucket: 'company-photos', owner: '' });
  const body = Buffer.from('content');
  await archive.putObject({ bucket: 'company-photos', key: 'cat.jpg', body, size_bytes: body.length });
  await archive.close();
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mounts-'));
  const archive = join(folder, 'archive');
  await fill(archive);
  const config = configSchema.parse({
    storage_path: join(folder, 'storage'),
    port: 0,
    adapters: {
      disk: { type: 'local', path: join(folder, 'storage') },
      archive: { type: 'local', path: archive },
    },
    mounts: [
      { buckets: 'photos', adapter: 'archive', upstream_bucket: 'company-photos', read_only: true },
      { buckets: 'old-*', adapter: 'archive', read_only: true },
      { buckets: 'team-*', adapter: 'archive', upstream_prefix: 'x-' },
      { buckets: '*', adapter: 'disk' },
    ],
  });
  const logger = pino({ level: 'silent' });
  node = await startNode({ config, env: {}, logger, on_fatal: () => undefined, stop: () => undefined });
  client = signedClient(Number(new URL(node.s3_url).port), node.region, node.root);
});
afterAll(async () => {
  await node?.drain();
  rmSync(folder, { recursive: true });
});

it('a bucket that is there already is read under its name here', async () => {
  const listed = await client.send('GET', '/');
  expect(listed.elements('Name')).toEqual(['photos', 'shards']);
  expect(listed.headers['x-backup-node-unavailable-mounts']).toBeUndefined();
  expect((await client.send('GET', '/photos/cat.jpg')).text).toBe('content');
  const page = await client.send('GET', '/photos', { query: { 'list-type': '2' } });
  expect([page.element('Name'), page.elements('Key')]).toEqual(['photos', ['cat.jpg']]);
  expect((await client.send('GET', '/company-photos/cat.jpg')).element('Code')).toBe('NoSuchBucket');
});

it.each([
  ['PUT', '/photos/dog.jpg', {}, 'photos'],
  ['DELETE', '/photos/cat.jpg', {}, 'photos'],
  ['POST', '/photos/up', { uploads: '' }, 'photos'],
  ['PUT', '/photos', { versioning: '' }, 'photos'],
  ['DELETE', '/photos', {}, 'photos'],
  ['PUT', '/old-bucket', {}, 'old-*'],
])('%s %s is refused by the read-only mount', async (method, path, query, mount) => {
  const body =
    'versioning' in query
      ? '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>'
      : '';
  const answer = await client.send(method, path, { query, body });
  expect([answer.status, answer.element('Code')]).toEqual([403, 'AccessDenied']);
  expect(answer.element('Message')).toBe(`The mount "${mount}" is read-only.`);
});

it('copies go from a read-only mount to others, in the same adapter or not', async () => {
  for (const bucket of ['team-a', 'mine']) {
    await client.send('PUT', `/${bucket}`);
    const headers = { 'x-amz-copy-source': '/photos/cat.jpg' };
    expect((await client.send('PUT', `/${bucket}/copy.jpg`, { headers })).status).toBe(200);
    expect((await client.send('GET', `/${bucket}/copy.jpg`)).text).toBe('content');
  }
  const missing = await client.send('PUT', '/mine/copy.jpg', {
    headers: { 'x-amz-copy-source': '/team-none/k' },
  });
  expect([missing.element('Code'), missing.element('BucketName')]).toEqual([
    'NoSuchBucket',
    expect.any(String),
  ]);
  expect(missing.text).not.toContain('x-team-none');
});
