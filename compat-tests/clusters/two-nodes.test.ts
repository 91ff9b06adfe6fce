import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeContent } from '../crash/content.mjs';
import { createBucket, getObject } from '../crash/s3-calls.mjs';
import { createS3Client, type S3Client, textOf } from '../crash/s3-client.mjs';
import { bytes, MIB, sha256 } from '../support/data.js';
import { describeInstalled } from '../support/installed.js';
import { startMinio } from '../support/minio.mjs';
import { startNode } from '../support/node.mjs';
import type { Server } from '../support/server.mjs';
import { temporaryFolder } from '../support/temp.mjs';
import { differences } from './check.mjs';
import { createClusterClient } from './client.mjs';
import { createWriter, type Writer } from './writer.mjs';

/**
 * What nodes over one upstream agree on: two over one MinIO, with the same root credentials, and every request to the
 * other one than that before it.
 */

/** As README states it: what one node is told of a bucket, the other knows after this time. */
const AGREED_AFTER_MS = 2_000;
const WRITERS = 4;
const WRITES_EACH = 40;
const NODE_DIES_AFTER = 60;
const ROOT = { access_key: 'TWONODESROOT', secret_key: 'one root for both nodes' };

describeInstalled('minio', 'two nodes over one MinIO', (binary) => {
  let folder = '';
  let minio: Server | undefined;
  let [a, b]: Server[] = [];
  let [on_a, on_b]: S3Client[] = [];

  function startOne(name: string): Promise<Server> {
    if (minio === undefined) throw new Error('MinIO comes first');
    const { s3_url, access_key, secret_key } = minio;
    return startNode({
      folder: join(folder, name),
      ...ROOT,
      config: {
        adapters: { upstream: { type: 'minio', endpoint: s3_url, access_key, secret_key } },
        mounts: [{ buckets: '*', adapter: 'upstream', upstream_prefix: 'fleet-' }],
      },
    });
  }

  const nodes = () => [known(a), known(b)] as const;
  const clients = () => [known(on_a), known(on_b)] as const;

  beforeAll(async () => {
    folder = await temporaryFolder('compat-two-nodes');
    minio = await startMinio({ binary, folder: join(folder, 'minio') });
    [a, b] = [await startOne('a'), await startOne('b')];
    [on_a, on_b] = [createS3Client(a), createS3Client(b)];
  });
  afterAll(async () => {
    for (const client of [on_a, on_b]) client?.close();
    for (const server of [a, b, minio]) await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test('a bucket made on one is used at once on the other, and so is what lies in it', async () => {
    const [one, other] = clients();
    for (let round = 0; round < 5; round++) {
      const bucket = `at-once-${round}`;
      const [first, second] = round % 2 === 0 ? [one, other] : [other, one];
      // Asked before, so that the answer could have been remembered.
      expect((await second.send({ method: 'HEAD', bucket })).status).toBe(404);
      await first.ask({ method: 'PUT', bucket });
      await second.ask({ method: 'PUT', bucket, key: 'k', body: `round ${round}` });
      expect((await getObject(first, { bucket, key: 'k' }))?.toString()).toBe(`round ${round}`);
      await first.ask({ method: 'PUT', bucket, key: 'k', body: 'replaced' });
      expect((await getObject(second, { bucket, key: 'k' }))?.toString()).toBe('replaced');
      await second.ask({ method: 'DELETE', bucket, key: 'k' });
      expect(await getObject(first, { bucket, key: 'k' })).toBeNull();
    }
    const names = async (client: S3Client) =>
      [...(await client.ask({ method: 'GET' })).body.toString().matchAll(/<Name>([^<]*)/g)].map(
        ([, name]) => name,
      );
    expect(await names(one)).toEqual([
      'at-once-0',
      'at-once-1',
      'at-once-2',
      'at-once-3',
      'at-once-4',
      'shards',
    ]);
    expect(await names(other)).toEqual(await names(one));
  });

  /** A request that is sent after the stated time must see it; earlier ones may. */
  async function expectSeen(see: () => Promise<boolean>, told_at: number): Promise<void> {
    for (;;) {
      const sent_at = performance.now();
      if (await see()) return;
      if (sent_at - told_at > AGREED_AFTER_MS) throw new Error('not seen after the stated time');
      await delay(50);
    }
  }

  test('a bucket document and versioning that are set on one show on the other in time', async () => {
    const [one, other] = clients();
    const bucket = 'documents';
    await createBucket(one, bucket, false);
    const tagging = { method: 'GET', bucket, query: { tagging: '' } };
    const versioning = { method: 'GET', bucket, query: { versioning: '' } };
    for (const [round, [first, second]] of [[one, other] as const, [other, one] as const].entries()) {
      await second.send(tagging);
      const body = `<Tagging><TagSet><Tag><Key>round</Key><Value>${round}</Value></Tag></TagSet></Tagging>`;
      await first.ask({ method: 'PUT', bucket, query: { tagging: '' }, body });
      const told_at = performance.now();
      expect(textOf((await first.ask(tagging)).body.toString(), 'Value')).toBe(String(round));
      const seen = async () =>
        textOf((await second.send(tagging)).body.toString(), 'Value') === String(round);
      await expectSeen(seen, told_at);
    }
    for (const [first, second, status] of [
      [one, other, 'Enabled'],
      [other, one, 'Suspended'],
    ] as const) {
      await second.ask(versioning);
      const body = `<VersioningConfiguration><Status>${status}</Status></VersioningConfiguration>`;
      await first.ask({ method: 'PUT', bucket, query: { versioning: '' }, body });
      const told_at = performance.now();
      const seen = async () => textOf((await second.ask(versioning)).body.toString(), 'Status') === status;
      await expectSeen(seen, told_at);
    }
    await one.ask({ method: 'DELETE', bucket, query: { tagging: '' } });
    const told_at = performance.now();
    await expectSeen(async () => (await other.send(tagging)).status === 404, told_at);
  });

  test('versions of one key alternate between the nodes', async () => {
    const bucket = 'versions';
    const [one, other] = clients();
    await createBucket(one, bucket, true);
    const ids: string[] = [];
    for (let n = 0; n < 6; n++) {
      const client = n % 2 === 0 ? one : other;
      const { headers } = await client.ask({ method: 'PUT', bucket, key: 'k', body: `version ${n}` });
      ids.push(String(headers['x-amz-version-id']));
    }
    expect(new Set(ids).size).toBe(6);
    for (const [n, versionId] of ids.entries()) {
      const client = n % 2 === 0 ? other : one;
      const { body } = await client.ask({ method: 'GET', bucket, key: 'k', query: { versionId } });
      expect(body.toString()).toBe(`version ${n}`);
    }
  });

  async function begin(client: S3Client, bucket: string, key: string): Promise<string> {
    const { body } = await client.ask({ method: 'POST', bucket, key, query: { uploads: '' } });
    return textOf(body.toString(), 'UploadId') ?? '';
  }

  const completion = (etags: readonly unknown[]) =>
    `<CompleteMultipartUpload>${etags
      .map((etag, at) => `<Part><PartNumber>${at + 1}</PartNumber><ETag>${etag}</ETag></Part>`)
      .join('')}</CompleteMultipartUpload>`;

  test('an upload is begun on one, gets parts on both and is completed on the other', async () => {
    const [one, other] = clients();
    const [bucket, key] = ['uploads', 'large'];
    await createBucket(one, bucket, false);
    const content = bytes(17 * MIB);
    const uploadId = await begin(one, bucket, key);
    const etags: unknown[] = [];
    for (let at = 0; at < 4; at++) {
      const body = content.subarray(at * 5 * MIB, (at + 1) * 5 * MIB);
      const client = at % 2 === 0 ? other : one;
      const query = { partNumber: String(at + 1), uploadId };
      etags.push((await client.ask({ method: 'PUT', bucket, key, query, body })).headers.etag);
    }
    for (const client of [one, other]) {
      const { body } = await client.ask({ method: 'GET', bucket, key, query: { uploadId } });
      expect(body.toString().match(/<PartNumber>/g)).toHaveLength(4);
    }
    await other.ask({ method: 'POST', bucket, key, query: { uploadId }, body: completion(etags) });
    expect(sha256((await getObject(one, { bucket, key })) ?? Buffer.alloc(0))).toBe(sha256(content));
    // Asked again where it was begun, after the answer was lost, say.
    const again = await one.send({
      method: 'POST',
      bucket,
      key,
      query: { uploadId },
      body: completion(etags),
    });
    expect(again.status).toBe(200);
  });

  test('of two conditional writes through both nodes one wins, and its bytes are there', async () => {
    const bucket = 'conditions';
    const both = clients();
    await createBucket(both[0], bucket, false);
    for (let round = 0; round < 20; round++) {
      const key = `k${round}`;
      const put = (headers: Record<string, string>, text: string) =>
        Promise.all(
          both.map((client, at) =>
            client.send({ method: 'PUT', bucket, key, headers, body: `${text} by node ${at}` }),
          ),
        );
      let etag = '';
      for (const text of ['made', 'replaced', 'replaced again']) {
        const condition = etag === '' ? { 'if-none-match': '*' } : { 'if-match': etag };
        const answers = await put(condition, text);
        expect(answers.filter(({ status }) => status === 412 || status === 409)).toHaveLength(1);
        const winner = answers.find(({ status }) => status === 200);
        etag = String(winner?.headers.etag);
        for (const client of both) {
          const { headers, body } = await client.ask({ method: 'GET', bucket, key });
          expect(headers.etag).toBe(etag);
          expect(body.toString()).toMatch(new RegExp(`^${text} by node [01]$`));
        }
      }
    }
  });

  test('one node is killed in the middle of an upload, and the other goes on with it', async () => {
    const [bucket, key] = ['killed', 'upload'];
    const [one, other] = clients();
    await createBucket(one, bucket, false);
    const content = bytes(12 * MIB, 7);
    const parts = [content.subarray(0, 6 * MIB), content.subarray(6 * MIB)] as const;
    const uploadId = await begin(one, bucket, key);
    const part = (client: S3Client, number: number, body: Buffer) =>
      client.ask({ method: 'PUT', bucket, key, query: { partNumber: String(number), uploadId }, body });
    const first = await part(one, 1, parts[0]);
    const cut = part(one, 2, parts[1]).then(
      () => 'acknowledged',
      () => 'cut off',
    );
    await known(a).kill();
    expect(['acknowledged', 'cut off']).toContain(await cut);
    const second = await part(other, 2, parts[1]);
    const body = completion([first.headers.etag, second.headers.etag]);
    await other.ask({ method: 'POST', bucket, key, query: { uploadId }, body });
    expect(sha256((await getObject(other, { bucket, key })) ?? Buffer.alloc(0))).toBe(sha256(content));
    a = await startOne('a');
    on_a?.close();
    on_a = createS3Client(a);
    expect(sha256((await getObject(on_a, { bucket, key })) ?? Buffer.alloc(0))).toBe(sha256(content));
  });

  test('one node is killed while clients write, and nothing acknowledged is lost', async () => {
    const bucket = 'kept';
    await createBucket(clients()[0], bucket, false);
    const members = Array.from({ length: WRITERS }, () => createClusterClient(nodes()));
    const writers = members.map((client, index) =>
      createWriter({ name: `writer-${index}`, seed: index + 1, bucket, client }),
    );
    let acknowledged = 0;
    const deaths: Promise<unknown>[] = [];
    const write = async (writer: Writer) => {
      for (let count = 0; count < WRITES_EACH; count++) {
        await writer.step();
        acknowledged++;
        if (acknowledged === NODE_DIES_AFTER) deaths.push(known(b).kill());
      }
    };
    await Promise.all(writers.map(write));
    await Promise.all(deaths);
    // Else nobody noticed, and nothing was proved.
    expect(members.reduce((sum, client) => sum + client.repeats(), 0)).toBeGreaterThan(0);
    for (const client of members) client.close();
    const objects = new Map(writers.flatMap((writer) => [...writer.objects]));
    expect(await differences(clients()[0], bucket, objects)).toEqual([]);
    b = await startOne('b');
    on_b?.close();
    on_b = createS3Client(b);
    const { content, body } = makeContent(4_711, 1_000_000);
    await on_b.ask({ method: 'PUT', bucket, key: 'late', body });
    objects.set('late', content);
    for (const client of clients()) expect(await differences(client, bucket, objects)).toEqual([]);
  });
});

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('it runs only while tests run');
  return value;
}
