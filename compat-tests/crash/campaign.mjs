import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { startNode } from '../support/node.mjs';
import { temporaryFolder } from '../support/temp.mjs';
import { checkWorld, noFindings } from './check.mjs';
import { createRandom, seedOf } from './random.mjs';
import { createBucket } from './s3-calls.mjs';
import { createS3Client } from './s3-client.mjs';
import { SHARD_BUCKET } from './shards.mjs';
import { createWriter, work } from './workload.mjs';

/**
 * @typedef {import('../support/server.mjs').Server} Server
 * @typedef {import('./check.mjs').World} World
 *
 * @typedef {object} CampaignOptions
 * @property {number} rounds how often the server is killed
 * @property {number} seed
 * @property {boolean} [versioned] only buckets with versioning; otherwise one with and one without
 * @property {number} [clients]
 * @property {(folder: string) => Promise<Server>} [start] another server than ours, to prove the test right
 * @property {(line: string) => void} [log]
 *
 * @typedef {object} CampaignResult
 * @property {number} rounds
 * @property {number} operations sent
 * @property {import('./check.mjs').Findings} findings
 */

const CLIENTS = 8;
export const KEYS_EACH = 5;
const SHARED_KEYS = 3;
const WRITE_MS_MIN = 200;
const WRITE_MS_MAX = 1_100;

/** An operation takes milliseconds: most kills fall into it, some behind it. */
const KILL_AFTER_MS_MAX = 15;

/** Operations in whose midst the node is killed, when it is not killed at any time. */
const AIMS = ['put', 'copy', 'delete', 'delete_version', 'delete_batch', 'part', 'complete', 'put_shared'];

export const CREDENTIALS = { access_key: 'CRASHTEST', secret_key: 'crash-test-secret-key' };

/** @param {boolean} versioned */
export function bucketsOf(versioned) {
  return versioned
    ? [{ bucket: 'versions', versioned: true }]
    : [
        { bucket: 'plain', versioned: false },
        { bucket: 'versions', versioned: true },
      ];
}

/** @param {readonly { bucket: string, versioned: boolean }[]} buckets @param {number} clients */
export function createWorld(buckets, clients) {
  const [first] = buckets;
  const shared = Array.from({ length: SHARED_KEYS }, (_, n) => ({
    bucket: first?.bucket ?? '',
    key: `shared/key ${n}`,
    writes: [],
  }));
  return {
    buckets: [...buckets.map(({ bucket }) => bucket), SHARD_BUCKET],
    writers: Array.from({ length: clients }, (_, n) => createWriter(`client ${n}`, buckets, KEYS_EACH)),
    shared,
  };
}

/**
 * Starts, writes, kills, restarts and checks, round after round, on one folder that grows. Rejects with the seed and
 * the history of what is wrong; the folder is kept then.
 * @param {CampaignOptions} options @returns {Promise<CampaignResult>}
 */
export async function runCampaign(options) {
  const { rounds, seed, versioned = false, clients = CLIENTS, log = () => {} } = options;
  const start = options.start ?? ((folder) => startNode({ folder, ...CREDENTIALS }));
  const folder = await temporaryFolder('crash');
  const buckets = bucketsOf(versioned);
  const world = createWorld(buckets, clients);
  const result = { rounds, operations: 0, findings: noFindings() };
  /** @type {Server | undefined} */
  let server;
  let round = 0;
  try {
    for (; round <= rounds; round += 1) {
      server = await start(folder);
      const s3 = createS3Client(server);
      const random = createRandom(seedOf(seed, round));
      if (round === 0) for (const { bucket, versioned } of buckets) await createBucket(s3, bucket, versioned);
      const read_all = round === rounds;
      await checkWorld(s3, world, { random, read_all, findings: result.findings });
      s3.close();
      if (round < rounds) {
        const killed = await writeUntilKilled(server, world, { random, seed: seedOf(seed, round, 7) });
        result.operations += killed.operations;
        log(`round ${round + 1}: ${killed.operations} operations, killed ${killed.how}`);
      }
    }
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
    return result;
  } catch (cause) {
    await server?.kill();
    throw new Error(`seed ${seed}, after kill ${round}, folder ${folder} kept\n${cause}`, { cause });
  }
}

/**
 * @param {Server} server @param {World} world
 * @param {{ random: import('./random.mjs').Random, seed: number }} how
 */
async function writeUntilKilled(server, world, { random, seed }) {
  const aim = random.chance(0.6) ? random.pick(AIMS) : undefined;
  const write_ms = random.integer(WRITE_MS_MIN, WRITE_MS_MAX);
  const after_ms = random.next() ** 2 * KILL_AFTER_MS_MAX;
  const ripe_ms = performance.now() + write_ms / 2;
  let over = false;
  let how = `after ${write_ms} ms`;
  let operations = 0;
  /** @type {Promise<void> | undefined} */
  let killing;
  const kill = () => {
    over = true;
    killing ??= server.kill();
  };
  /** @param {string} operation */
  const sending = (operation) => {
    if (over) return;
    operations += 1;
    if (operation !== aim || performance.now() < ripe_ms) return;
    how = `${after_ms.toFixed(1)} ms after a ${operation} was sent`;
    // Timers are too coarse for what takes a millisecond: the next turns of the loop are watched instead.
    const at_ms = performance.now() + after_ms;
    const watch = () => (performance.now() >= at_ms ? kill() : setImmediate(watch));
    ripe.abort();
    watch();
  };
  const ripe = new AbortController();
  const clients = world.writers.map((writer, index) => {
    const s3 = createS3Client(server);
    const session = {
      s3,
      api_url: server.api_url,
      random: createRandom(seedOf(seed, index)),
      shared: world.shared,
      over: () => over,
      sending,
      may_refuse: () => false,
    };
    return work(writer, session).finally(() => s3.close());
  });
  const time_is_up = delay(write_ms, undefined, { signal: ripe.signal }).then(kill, () => {});
  const working = Promise.all(clients);
  await Promise.race([working, time_is_up.then(() => working)]);
  await killing;
  return { operations, how };
}
