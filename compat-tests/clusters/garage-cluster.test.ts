import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Content } from '../crash/content.mjs';
import { createBucket } from '../crash/s3-calls.mjs';
import { createS3Client, type Endpoint } from '../crash/s3-client.mjs';
import { type GarageNode, startGarageCluster } from '../support/garage.mjs';
import { describeInstalled } from '../support/installed.js';
import { startNode } from '../support/node.mjs';
import { REPOSITORY } from '../support/paths.mjs';
import type { Server } from '../support/server.mjs';
import { temporaryFolder } from '../support/temp.mjs';
import { differences } from './check.mjs';
import { type ClusterClient, createClusterClient } from './client.mjs';
import { createWriter, type Writer } from './writer.mjs';

/**
 * What the README recommends to who outgrows one machine: two nodes of this project before three of Garage. One of each
 * is killed while clients write; whatever was acknowledged is there afterwards.
 */

const BUCKET = 'kept';
const WRITERS = 4;
const WRITES_EACH = 45;
/** Counted in acknowledged writes of all writers, the others of which are under way at that moment. */
const GARAGE_DIES_AFTER = 50;
const NODE_DIES_AFTER = 100;
const AGREE_TIMEOUT_MS = 60_000;
const ROOT = { access_key: 'CLUSTERROOT', secret_key: 'one root for both nodes' };

describeInstalled('garage', 'a garage cluster', (binary) => {
  let folder = '';
  let garage: GarageNode[] = [];
  const nodes: Server[] = [];

  /** By the example of the configuration, but for the addresses and keys. Each prefers another Garage node. */
  async function startFront(index: number): Promise<Server> {
    const example = await readFile(
      join(REPOSITORY, 'config', 'examples', `garage-cluster-${index + 1}.json`),
    );
    const { adapters, mounts } = JSON.parse(example.toString());
    const { access_key, secret_key } = at(garage, 0);
    const [endpoint, ...fallback_endpoints] = [index, index + 1, index + 2].map(
      (number) => at(garage, number % garage.length).s3_url,
    );
    const adapter = { ...adapters.garage, access_key, endpoint, fallback_endpoints };
    return startNode({
      folder: join(folder, `front-${index}`),
      ...ROOT,
      env: { GARAGE_SECRET_KEY: secret_key },
      config: { adapters: { garage: adapter }, mounts },
    });
  }

  beforeAll(async () => {
    folder = await temporaryFolder('compat-cluster');
    garage = await startGarageCluster({ binary, folder: join(folder, 'garage'), nodes: 3 });
    for (const index of [0, 1]) nodes.push(await startFront(index));
  });
  afterAll(async () => {
    for (const node of nodes) await node.stop();
    for (const node of garage) await node.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** What is lost stays lost; listings agree as soon as the Garage nodes have compared their tables. */
  async function expectAll(
    servers: readonly Endpoint[],
    objects: ReadonlyMap<string, Content>,
  ): Promise<void> {
    for (const server of servers) {
      const s3 = createS3Client(server);
      await expect
        .poll(() => differences(s3, BUCKET, objects), { timeout: AGREE_TIMEOUT_MS, interval: 500 })
        .toEqual([]);
      s3.close();
    }
  }

  /** Garage tells its nodes of a new bucket one after the other. */
  async function createOurBucket(): Promise<void> {
    const clients = nodes.map(createS3Client);
    await createBucket(at(clients, 0), BUCKET, false);
    for (const s3 of clients) {
      const head = async () => (await s3.send({ method: 'HEAD', bucket: BUCKET })).status;
      await expect.poll(head, { timeout: AGREE_TIMEOUT_MS }).toBe(200);
      s3.close();
    }
  }

  test('loses no acknowledged write when a node of each kind is killed, and takes them back', async () => {
    await createOurBucket();
    const clients = Array.from({ length: WRITERS }, () => createClusterClient(nodes));
    const writers = clients.map((client, index) =>
      createWriter({ name: `writer-${index}`, seed: index + 1, bucket: BUCKET, client }),
    );
    let acknowledged = 0;
    const deaths: Promise<void>[] = [];
    const write = async (writer: Writer) => {
      for (let count = 0; count < WRITES_EACH; count += 1) {
        await writer.step();
        acknowledged += 1;
        if (acknowledged === GARAGE_DIES_AFTER) deaths.push(at(garage, 0).kill());
        if (acknowledged === NODE_DIES_AFTER) deaths.push(at(nodes, 1).kill());
      }
    };
    await Promise.all(writers.map(write));
    await Promise.all(deaths);
    expect(deaths).toHaveLength(2);
    // Else nobody noticed, and nothing was proved.
    expect(sum(clients)).toBeGreaterThan(0);
    for (const client of clients) client.close();

    const objects = new Map(writers.flatMap((writer) => [...writer.objects]));
    expect(objects.size).toBeGreaterThan(WRITERS);
    const survivors = [at(garage, 1), at(garage, 2)];
    for (const node of survivors) await node.repair();
    await expectAll([at(nodes, 0), ...survivors], objects);

    await at(garage, 0).start();
    nodes[1] = await startFront(1);
    const client = createClusterClient([at(nodes, 1)]);
    const late = createWriter({ name: 'late', seed: 99, bucket: BUCKET, client });
    for (let count = 0; count < 10; count += 1) await late.step();
    client.close();
    const all = new Map([...objects, ...late.objects]);
    for (const node of garage) await node.repair();
    await expectAll([...garage, ...nodes], all);
  });
});

function sum(clients: readonly ClusterClient[]): number {
  return clients.reduce((total, client) => total + client.repeats(), 0);
}

function at<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new Error(`there is no number ${index}`);
  return found;
}
