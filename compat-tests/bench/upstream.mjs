import { join } from 'node:path';
import { startNode } from '../support/node.mjs';
import { run } from '../support/process.mjs';
import { residentMemory, watchMemory } from './memory.mjs';

/**
 * @typedef {import('./scenarios.mjs').Bench} Bench
 * @typedef {import('../support/server.mjs').Server} Server
 * @typedef {import('./load.mjs').Measured} Measured
 */

const MIB = 1024 ** 2;
const SMALL_BYTES = 4_096;
const CONNECTIONS = 32;
const LARGE_READ_BUFFER_BYTES = MIB;
/** As many as a cache of the default size has room for, so that each is asked for again and again. */
const CACHED_OBJECTS = 2_000;
const TRUST_MS = 60_000;
const MEMORY_ADDED_GOAL_MB = 100;
/** 256 MiB. */
const MEMORY_GOAL_MB = 268;

/**
 * What a node costs that stands before a MinIO: all servers store in the same one, and take turns.
 * Ours is called as in the other scenarios, so that the report shows the ratio.
 * @param {Bench} bench the second server is MinIO
 */
export async function overUpstream(bench) {
  const minio = bench.servers.find(({ api_url }) => api_url === null);
  if (minio === undefined) throw new Error('the scenario `upstream` needs a MinIO: --minio PATH');
  const nodes = {
    plain: await startGateway(bench, minio, 'plain', {}),
    asking: await startGateway(bench, minio, 'asking', { cache: {} }),
    trusting: await startGateway(bench, minio, 'trusting', { cache: { trust_ms: TRUST_MS } }),
  };
  try {
    // By the node, so that root owns them, as is usual.
    await makeBuckets(bench, nodes.plain, ['over-small', 'over-large', 'over-cached']);
    await small(bench, minio, nodes.plain);
    await cached(bench, minio, nodes);
    await large(bench, minio, nodes.plain);
    await manyTransfers(bench, nodes.plain);
    await largestTransfer(bench, nodes.plain);
  } finally {
    for (const node of Object.values(nodes)) await node.stop();
  }
}

/** @param {Bench} bench @param {Server} minio @param {string} name @param {Record<string, unknown>} decorators */
function startGateway({ folder }, { s3_url, access_key, secret_key }, name, decorators) {
  const upstream = {
    type: 'minio',
    endpoint: s3_url,
    region: 'us-east-1',
    access_key,
    secret_key,
    ...decorators,
  };
  return startNode({
    folder: join(folder, `over-minio-${name}`),
    config: { adapters: { upstream }, mounts: [{ buckets: '*', adapter: 'upstream' }] },
  });
}

/** @param {Measured} measured @param {string} what */
function mustSucceed(measured, what) {
  if (Object.keys(measured.refused).length > 0)
    throw new Error(`${what}: refused ${JSON.stringify(measured.refused)}`);
  return measured;
}

const settle = () => run('sync', []);

/** @param {Bench} bench @param {Server} target @param {readonly string[]} buckets */
async function makeBuckets({ loader }, target, buckets) {
  for (const bucket of buckets) {
    const plan = /** @type {const} */ ({ type: 'make-bucket', bucket });
    mustSucceed(await loader.run({ target, plan, connections: 1 }), `make ${bucket}`);
  }
}

/** 4 KiB objects through the node and directly. @param {Bench} bench @param {Server} minio @param {Server} node */
async function small({ loader, report, sizes, log }, minio, node) {
  for (let round = 0; round < sizes.rounds; round += 1)
    for (const target of [node, minio]) {
      await settle();
      const objects = { bucket: 'over-small', prefix: `${target.pid}/r${round}/`, first: 0 };
      const put_plan = /** @type {const} */ ({
        type: 'put',
        ...objects,
        count: sizes.small_puts_max,
        size_bytes: SMALL_BYTES,
      });
      const job = { target, connections: CONNECTIONS, duration_ms: sizes.round_ms };
      const put = mustSucceed(await loader.run({ ...job, plan: put_plan }), 'PUT');
      const count = put.requests - CONNECTIONS;
      await loader.verify({ target, plan: { ...put_plan, count }, connections: 1 });
      const get_plan = /** @type {const} */ ({ type: 'get', ...objects, count });
      const get = mustSucceed(await loader.run({ ...job, plan: get_plan, cycle: true }), 'GET');
      const rows = /** @type {const} */ ([
        ['4 KiB PUT over MinIO', put, 0.7],
        ['4 KiB GET over MinIO', get, 0.6],
      ]);
      for (const [what, measured, factor] of rows)
        report.add({ what, unit: '/s', goal: { than: 'MinIO', factor } }, target.name, rate(measured));
      log(`${target.name}: over MinIO ${Math.round(rate(put))} PUT/s, ${Math.round(rate(get))} GET/s`);
    }
}

/** @param {Measured} measured */
const rate = ({ requests, seconds }) => requests / seconds;

/**
 * The same objects again and again: through the read cache, which asks MinIO each time whether they changed or
 * believes for a while that they did not, and directly.
 * @param {Bench} bench
 * @param {Server} minio
 * @param {{ asking: Server, trusting: Server }} nodes
 */
async function cached({ loader, report, sizes, log }, minio, { asking, trusting }) {
  const objects = { bucket: 'over-cached', prefix: '', first: 0, count: CACHED_OBJECTS };
  const fill = /** @type {const} */ ({ type: 'put', ...objects, size_bytes: SMALL_BYTES });
  mustSucceed(await loader.run({ target: minio, plan: fill, connections: CONNECTIONS }), 'fill');
  const plan = /** @type {const} */ ({ type: 'get', ...objects });
  for (const target of [asking, trusting])
    mustSucceed(await loader.run({ target, plan, connections: CONNECTIONS }), 'first reading');
  const ways = /** @type {const} */ ([
    ['believed', trusting, { than: 'MinIO', factor: 1.5 }],
    ['revalidated', asking, null],
  ]);
  for (let round = 0; round < sizes.rounds; round += 1)
    for (const [how, node, goal] of ways)
      for (const target of [node, minio]) {
        const job = { target, plan, connections: CONNECTIONS, duration_ms: sizes.round_ms, cycle: true };
        const get = mustSucceed(await loader.run(job), 'GET');
        report.add({ what: `4 KiB GET, cached and ${how}`, unit: '/s', goal }, target.name, rate(get));
        log(`${target.name}: cached and ${how} ${Math.round(rate(get))} GET/s`);
      }
}

/**
 * One large object at a time, and once more as SDKs send it since 2025, with a checksum. To an upload without one the node
 * adds CRC32; then MinIO has more to compute than for the client that calls it directly.
 * @param {Bench} bench
 * @param {Server} minio
 * @param {Server} node
 */
async function large({ loader, report, sizes, log }, minio, node) {
  const size_bytes = sizes.large_bytes;
  const name = `${Math.round(size_bytes / MIB)} MiB`;
  const goal = /** @type {const} */ ({ than: 'MinIO', factor: 0.8 });
  for (let round = 0; round < sizes.rounds; round += 1)
    for (const target of [node, minio]) {
      await settle();
      const object = { bucket: 'over-large', prefix: `${target.pid}/`, first: round, count: 1 };
      const put_plan = /** @type {const} */ ({ type: 'put', ...object, size_bytes });
      const put = mustSucceed(await loader.run({ target, plan: put_plan, connections: 1 }), 'large PUT');
      await settle();
      const crc32_plan = { ...put_plan, crc32: true };
      const checked = mustSucceed(
        await loader.run({ target, plan: crc32_plan, connections: 1 }),
        'large PUT with CRC32',
      );
      const get_plan = /** @type {const} */ ({ type: 'get', ...object });
      const job = { target, plan: get_plan, connections: 1, read_buffer_bytes: LARGE_READ_BUFFER_BYTES };
      let best = 0;
      for (let pass = 0; pass < 3; pass += 1) {
        const get = mustSucceed(await loader.run(job), 'large GET');
        if (get.received_bytes !== size_bytes)
          throw new Error(`large GET: ${get.received_bytes} of ${size_bytes} bytes`);
        best = Math.max(best, size_bytes / MIB / get.seconds);
      }
      const up = size_bytes / MIB / put.seconds;
      report.add({ what: `${name} PUT over MinIO`, unit: 'MiB/s', goal }, target.name, up);
      const checked_row = { what: `${name} PUT with its CRC32 over MinIO`, unit: 'MiB/s' };
      report.add(checked_row, target.name, size_bytes / MIB / checked.seconds);
      report.add({ what: `${name} GET over MinIO`, unit: 'MiB/s', goal }, target.name, best);
      log(`${target.name}: over MinIO ${name} PUT ${up.toFixed(0)} MiB/s, GET ${best.toFixed(0)} MiB/s`);
    }
}

/** How much the node's memory grows with many transfers at once. @param {Bench} bench @param {Server} node */
async function manyTransfers(bench, node) {
  const size_bytes = bench.sizes.large_bytes / 4;
  const name = `${CONNECTIONS} x ${Math.round(size_bytes / MIB)} MiB`;
  const before = await residentMemory(node.pid);
  await transfers(bench, node, { prefix: 'many/', count: CONNECTIONS, size_bytes }, (way, peak_bytes) => ({
    what: `memory added, ${name} ${way} over MinIO`,
    limit: MEMORY_ADDED_GOAL_MB,
    value: (peak_bytes - before.all_bytes) / 1e6,
  }));
}

/** That a large object is never held. @param {Bench} bench @param {Server} node */
async function largestTransfer(bench, node) {
  const size_bytes = bench.sizes.parallel_bytes;
  const name = `1 x ${Math.round(size_bytes / MIB)} MiB`;
  await transfers(bench, node, { prefix: 'largest/', count: 1, size_bytes }, (way, peak_bytes) => ({
    what: `memory, ${name} ${way} over MinIO`,
    limit: MEMORY_GOAL_MB,
    value: peak_bytes / 1e6,
  }));
}

/**
 * @param {Bench} bench
 * @param {Server} node
 * @param {{ prefix: string, count: number, size_bytes: number }} objects all at once
 * @param {(way: 'up' | 'down', peak_bytes: number) => { what: string, limit: number, value: number }} describe
 */
async function transfers({ loader, report, log }, node, { size_bytes, ...objects }, describe) {
  for (const type of /** @type {const} */ (['put', 'get'])) {
    await settle();
    const stop = watchMemory(node.pid);
    const plan = { type, bucket: 'over-large', first: 0, ...objects, size_bytes };
    const job = {
      target: node,
      plan,
      connections: objects.count,
      read_buffer_bytes: LARGE_READ_BUFFER_BYTES,
    };
    mustSucceed(await loader.run(job), 'memory');
    const peak = await stop();
    const { what, limit, value } = describe(type === 'put' ? 'up' : 'down', peak.all_bytes);
    report.add({ what, unit: 'MB', more_is_better: false, goal: { limit } }, node.name, value);
    log(`${what}: ${value.toFixed(0)} MB`);
  }
}
