import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { changeTests } from '../../adapters/conformance/changes.js';
import { createHarness } from '../../adapters/conformance/support/harness.js';
import type { Adapter, Change } from '../../adapters/contract/index.js';
import { type Feed, type FeedOptions, openFeed } from '../../adapters/feed/open-feed.js';
import { openMinioAdapter } from '../../adapters/minio/open-minio-adapter.js';
import { openS3Adapter } from '../../adapters/s3/open-s3-adapter.js';
import { openStateStore } from '../../src/state/lmdb-state.js';
import { createS3Client, type S3Client } from '../crash/s3-client.mjs';
import { describeUpstream } from '../support/describe-upstream.js';
import { startMinio } from '../support/minio.mjs';
import { startNode } from '../support/node.mjs';
import type { Server } from '../support/server.mjs';
import { temporaryFolder } from '../support/temp.mjs';
import type { Upstream } from '../support/upstream.mjs';
import { entryOf, startMinioUpstream } from './entries.js';

/** Records of a MinIO that keeps them in its buffer come within some seconds; a loaded machine takes its time. */
const TOLD_WITHIN_MS = 60_000;
const NEVER_MS = 24 * 3_600_000;

interface OpenedFeed {
  readonly adapter: Adapter;
  readonly feed: Feed;
  close(): Promise<void>;
}

async function openIn(folder: string, type: 's3' | 'minio', upstream: Upstream): Promise<OpenedFeed> {
  const state = openStateStore(join(folder, 'state'));
  const options: FeedOptions = { store: state, reconcile_interval_ms: NEVER_MS };
  const { type: _type, endpoint = '', ...entry } = entryOf(type, 'minio', upstream);
  const opened =
    type === 'minio'
      ? await openMinioAdapter({ ...entry, endpoint }, options)
      : await openS3Adapter({ ...entry, endpoint }).then((bare) => {
          const feed = openFeed(bare, options);
          return { adapter: feed.adapter, feed };
        });
  const { adapter, feed } = opened;
  if (feed === null) throw new Error('there is no feed');
  await feed.settled();
  return {
    adapter,
    feed,
    async close() {
      await adapter.close();
      await state.close();
    },
  };
}

function conformance(type: 's3' | 'minio', upstream: () => Upstream): void {
  describe(`${type === 's3' ? 's3 with a journal' : 'minio'} keeps the contract of change feeds over MinIO`, () => {
    const harness = createHarness(async () => {
      const folder = await temporaryFolder('compat-feed');
      const { adapter, close } = await openIn(folder, type, upstream());
      return {
        adapter,
        async close() {
          await close();
          await rm(folder, { recursive: true, force: true });
        },
      };
    });
    beforeAll(() => harness.start());
    afterAll(() => harness.stop());
    changeTests(harness);
  });
}

/** What only MinIO has is asked with the same credentials as all else. */
function credentialsOfSdk(upstream: () => Upstream): void {
  it('listens and asks with the credentials that the AWS SDK finds, where none are configured', async () => {
    const { s3_url: endpoint, region, access_key, secret_key } = upstream();
    vi.stubEnv('AWS_ACCESS_KEY_ID', access_key);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', secret_key);
    vi.stubEnv('AWS_PROFILE', '');
    const folder = await temporaryFolder('compat-chain');
    const state = openStateStore(join(folder, 'state'));
    const options = { name: 'lan', endpoint, region, provider: 'minio' } as const;
    const minio = await openMinioAdapter(options, { store: state, reconcile_interval_ms: NEVER_MS });
    try {
      expect((await minio.inspect()).version).toEqual(expect.any(String));
      await expect
        .poll(() => minio.feedStatus()?.notifications, { timeout: TOLD_WITHIN_MS })
        .toMatchObject({ connected: true, last_error: null });
    } finally {
      vi.unstubAllEnvs();
      await minio.adapter.close();
      await state.close();
      await rm(folder, { recursive: true, force: true });
    }
  });
}

async function readAll(adapter: Adapter, from: string | null = null): Promise<Change[]> {
  const changes: Change[] = [];
  for (let after = from; ; ) {
    const page = await adapter.readChanges({ after, limit: 1_000 });
    changes.push(...page.changes);
    if (page.changes.length === 0) return changes;
    after = page.cursor;
  }
}

/** What came of one bucket behind the cursor, as soon as there are so many of it: others use the server too. */
async function untilTold(
  adapter: Adapter,
  bucket: string,
  from: string | null,
  count: number,
): Promise<Change[]> {
  const signal = AbortSignal.timeout(TOLD_WITHIN_MS);
  for (;;) {
    const all = await readAll(adapter, from);
    const changes = all.filter((change) => change.bucket === bucket);
    if (changes.length >= count || signal.aborted) return changes;
    await adapter.waitForChange({ after: all.at(-1)?.cursor ?? from, signal });
  }
}

const summary = (changes: readonly Change[]) =>
  changes.map(({ type, bucket, key }) => `${type} ${key === '' ? bucket : key}`);

function put(client: S3Client, bucket: string, key: string, body: string) {
  return client.ask({ method: 'PUT', bucket, key, body });
}

function sharedFeed(upstream: () => Upstream): void {
  let folder: string;
  let opened: OpenedFeed | undefined;
  let foreign: S3Client;
  const bucket = 'shared-by-two';
  beforeAll(async () => {
    folder = await temporaryFolder('compat-feed');
    opened = await openIn(folder, 'minio', upstream());
    foreign = createS3Client(upstream());
  });
  afterAll(async () => {
    foreign.close();
    await opened?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('what the node writes and what others write is told once each, in order', async () => {
    if (opened === undefined) throw new Error('the feed is not open');
    const { adapter, feed } = opened;
    const from = feed.status().cursor;
    await foreign.ask({ method: 'PUT', bucket });
    const body = Buffer.from('ours');
    const own = (key: string) => adapter.putObject({ bucket, key, body, size_bytes: body.length });
    for (let n = 0; n < 5; n++) {
      await own(`own-${n}`);
      await put(foreign, bucket, `theirs-${n}`, `content ${n}`);
    }
    await put(foreign, bucket, 'theirs-0', 'changed');
    await adapter.deleteObject({ bucket, key: 'own-0' });
    await foreign.ask({ method: 'DELETE', bucket, key: 'theirs-1' });
    await put(foreign, bucket, 'own-1', 'theirs now');
    await put(foreign, bucket, 'odd/ä+ b%25', 'x');
    const changes = await untilTold(adapter, bucket, from, 15);
    const ours = changes.filter(({ key }) => key.startsWith('own') && key !== 'own-1');
    expect(summary(ours)).toEqual(['put own-0', 'put own-2', 'put own-3', 'put own-4', 'delete own-0']);
    expect(summary(changes.filter(({ key }) => key.startsWith('theirs') || key === ''))).toEqual([
      `bucket_created ${bucket}`,
      ...[0, 1, 2, 3, 4].map((n) => `put theirs-${n}`),
      'put theirs-0',
      'delete theirs-1',
    ]);
    expect(summary(changes.filter(({ key }) => key === 'own-1'))).toEqual(['put own-1', 'put own-1']);
    const { info } = await adapter.headObject({ bucket, key: 'own-1' });
    expect(changes.findLast(({ key }) => key === 'own-1')?.etag).toBe(info.etag);
    expect(changes.at(-1)?.key).toBe('odd/ä+ b%25');
    // A whole comparison finds nothing that was not told of.
    await feed.reconciler.request();
    await feed.settled();
    expect(summary(await untilTold(adapter, bucket, from, 15))).toEqual(summary(changes));
  });

  it('a document that another node writes is told of the bucket that it is about', async () => {
    if (opened === undefined) throw new Error('the feed is not open');
    const { adapter, feed } = opened;
    const named = 'documents-of-others';
    await adapter.createBucket({ bucket: named, owner: 'somebody' });
    const from = feed.status().cursor;
    const other_folder = await temporaryFolder('compat-feed');
    const other = await openIn(other_folder, 'minio', upstream());
    try {
      await other.adapter.putDocument({ bucket: named, kind: 'cors', content: '{}' });
      expect(summary(await untilTold(adapter, named, from, 1))).toEqual([`bucket_changed ${named}`]);
    } finally {
      await other.close();
      await rm(other_folder, { recursive: true, force: true });
    }
  });

  it('versions and markers of others carry their ids', async () => {
    if (opened === undefined) throw new Error('the feed is not open');
    const { adapter, feed } = opened;
    const named = 'versions-of-others';
    await adapter.createBucket({ bucket: named, owner: 'somebody' });
    await adapter.putVersioning({ bucket: named, versioning: 'enabled' });
    const from = feed.status().cursor;
    const first = (await put(foreign, named, 'key', 'first')).headers['x-amz-version-id'];
    const marker = (await foreign.ask({ method: 'DELETE', bucket: named, key: 'key' })).headers[
      'x-amz-version-id'
    ];
    await foreign.ask({ method: 'DELETE', bucket: named, key: 'key', query: { versionId: String(first) } });
    const changes = await untilTold(adapter, named, from, 3);
    expect(changes.map(({ type, version_id }) => [type, version_id])).toEqual([
      ['put', first],
      ['delete_marker', marker],
      ['delete', first],
    ]);
  });
}

/** A write with the ETag that it was answered with, or a delete of what was there for certain. */
interface Acknowledged {
  readonly key: string;
  readonly etag: string | null;
}

/** Writes and deletes until it is stopped; keys are its own, so that their last acknowledged state is known. */
function startWriter(client: () => S3Client, bucket: string, name: string) {
  const acknowledged: Acknowledged[] = [];
  const there = new Set<string>();
  let stopped = false;
  async function run(): Promise<void> {
    for (let n = 0; !stopped; n++) {
      const key = `${name}-${n % 40}`;
      const deletes = there.has(key) && n % 3 === 2;
      try {
        const answer = await (deletes
          ? client().ask({ method: 'DELETE', bucket, key })
          : put(client(), bucket, key, `${name} ${n}`));
        acknowledged.push({ key, etag: deletes ? null : String(answer.headers.etag).replaceAll('"', '') });
        if (deletes) there.delete(key);
        else there.add(key);
      } catch {
        there.delete(key);
        // Whoever writes on at once would only count refusals.
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }
  const running = run();
  return {
    acknowledged,
    async until(count: number): Promise<void> {
      const deadline_ms = Date.now() + TOLD_WITHIN_MS;
      while (acknowledged.length < count) {
        if (Date.now() > deadline_ms) throw new Error(`only ${acknowledged.length} writes were acknowledged`);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
    async stop(): Promise<void> {
      stopped = true;
      await running;
    },
  };
}

describe('kills', () => {
  const tool = inject('installed').minio;
  const binary = tool === undefined || 'reason' in tool ? null : tool.path;
  const closers: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  it.skipIf(binary === null && process.env.CI !== 'true').each(['minio', 's3'] as const)(
    'of MinIO and of the node lose no acknowledged write from the feed (%s)',
    async (type) => {
      if (binary === null) throw new Error('minio is not installed');
      const folder = await temporaryFolder('compat-feed-kills');
      closers.push(() => rm(folder, { recursive: true, force: true }));
      const minio_folder = join(folder, 'minio');
      let minio: Server = await startMinio({ binary, folder: minio_folder });
      closers.push(() => minio.stop());
      const { s3_url, access_key, secret_key } = minio;
      const provider = type === 's3' ? { provider: 'minio' } : {};
      const lan = { type, ...provider, endpoint: s3_url, access_key, secret_key, change_feed: true };
      const start = () =>
        startNode({ folder: join(folder, 'node'), config: { adapters: { minio: lan } }, ...keys });
      const keys = { access_key: 'AKFEEDFEEDFEED', secret_key: 'feedfeedfeedfeed' };
      let node = await start();
      closers.push(() => node.kill());
      let through = createS3Client(node);
      const foreign = createS3Client(minio);
      closers.push(async () => foreign.close());
      const bucket = 'written-while-killed';
      await through.ask({ method: 'PUT', bucket });
      await untilWatched(node.api_url);

      const own = startWriter(() => through, bucket, 'own');
      const others = startWriter(() => foreign, bucket, 'theirs');
      closers.push(() => Promise.all([own.stop(), others.stop()]));
      await own.until(150);
      await minio.kill();
      minio = await startMinio({ binary, folder: minio_folder, like: minio });
      await own.until(300);
      await node.kill();
      // Nobody listens now.
      await others.until(others.acknowledged.length + 60);
      node = await start();
      through = createS3Client(node);
      await own.until(450);
      await Promise.all([own.stop(), others.stop()]);
      await node.kill();

      const opened = await openIn(node.storage_path, type, { ...minio, region: 'us-east-1' });
      closers.push(opened.close);
      await opened.feed.reconciler.request();
      await opened.feed.settled();
      const changes = (await readAll(opened.adapter)).filter((change) => change.bucket === bucket);
      await expectWhole(opened.adapter, bucket, changes);
      expect(missingIn(changes, own.acknowledged)).toEqual([]);
    },
  );
});

/** Acknowledged writes that the feed does not tell of, or in another order than that in which they were made. */
function missingIn(changes: readonly Change[], acknowledged: readonly Acknowledged[]): Acknowledged[] {
  const told = new Map<string, string[]>();
  for (const { type, key, etag } of changes) {
    if (type === 'put' || type === 'delete') told.set(key, [...(told.get(key) ?? []), etag]);
  }
  return acknowledged.filter(({ key, etag }) => {
    const rest = told.get(key) ?? [];
    const at = rest.indexOf(etag ?? '');
    // What was told before it is behind us, for the writes of this key that follow.
    if (at >= 0) told.set(key, rest.slice(at + 1));
    return at < 0;
  });
}

/** What others write before the feed has begun counts as having been there before. */
async function untilWatched(api_url: string): Promise<void> {
  const deadline_ms = Date.now() + TOLD_WITHIN_MS;
  for (;;) {
    const answer = await fetch(`${api_url}/api/v1/adapters`);
    const { adapters } = (await answer.json()) as {
      adapters: { feed: { baseline_at: string | null; notifications?: { connected: boolean } } }[];
    };
    const feed = adapters[0]?.feed;
    const listens = feed?.notifications?.connected ?? true;
    if (feed !== undefined && listens && feed.baseline_at !== null) return;
    if (Date.now() > deadline_ms) throw new Error(`the feed has not begun: ${JSON.stringify(adapters)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** The last that was told of each key is what the key holds, and every key that is there was told of. */
async function expectWhole(adapter: Adapter, bucket: string, changes: readonly Change[]): Promise<void> {
  const held = new Map<string, string>();
  for (const { type, key, etag } of changes) {
    if (type === 'put') held.set(key, etag);
    else if (type === 'delete') held.delete(key);
  }
  const { entries } = await adapter.listObjects({ bucket, limit: 1_000 });
  const there = entries.flatMap((entry) => (entry.type === 'item' ? [entry.item] : []));
  expect(there.length).toBeGreaterThan(10);
  expect(new Map(there.map(({ key, etag }) => [key, etag]))).toEqual(
    new Map(Array.from(held).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))),
  );
}

describeUpstream('minio', startMinioUpstream, (upstream) => {
  conformance('minio', upstream);
  conformance('s3', upstream);
  sharedFeed(upstream);
  credentialsOfSdk(upstream);
});
