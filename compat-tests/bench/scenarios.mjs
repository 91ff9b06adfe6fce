import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../support/process.mjs';
import { residentMemory, watchMemory } from './memory.mjs';
import { keyOf } from './plans.mjs';

/**
 * @typedef {import('../support/server.mjs').Server} Server
 * @typedef {import('./load.mjs').Loader} Loader
 * @typedef {import('./load.mjs').Measured} Measured
 * @typedef {ReturnType<typeof import('./report.mjs').createReport>} Report
 *
 * @typedef {object} Sizes
 * @property {number} rounds
 * @property {number} round_ms
 * @property {number} small_puts_max requests signed before a round starts
 * @property {number} large_bytes
 * @property {number} keys in the listed bucket
 * @property {number} rival_keys the same for the other server, which fills more slowly
 * @property {number} shards_max
 * @property {number} parallel_bytes of each of the eight objects of the memory scenario
 *
 * @typedef {{ loader: Loader, servers: Server[], report: Report, sizes: Sizes, folder: string, log: (line: string) => void }} Bench
 */

const MIB = 1024 ** 2;
const SMALL_BYTES = 4_096;
const CONNECTIONS = 32;
const FILL_BATCH = 20_000;
const LARGE_READ_BUFFER_BYTES = MIB;
const PARALLEL_OBJECTS = 8;
const LIST_REPEATS = 15;

/** @param {Measured} measured @param {string} what */
function mustSucceed(measured, what) {
  if (Object.keys(measured.refused).length > 0)
    throw new Error(`${what}: refused ${JSON.stringify(measured.refused)}`);
  return measured;
}

/** Lets dirty pages of one measurement go to disk before the next one starts. */
const settle = () => run('sync', []);

/** @param {Bench} bench @param {Server} target @param {string} bucket */
export async function makeBucket({ loader }, target, bucket) {
  mustSucceed(
    await loader.run({ target, plan: { type: 'make-bucket', bucket }, connections: 1 }),
    `make ${bucket}`,
  );
}

/**
 * Requests per second and how long the slowest hundredth took.
 * @param {Report} report @param {Server} target @param {string} what
 * @param {number} factor how many times MinIO's rate is the goal
 * @param {Measured} measured
 */
function addRate(report, target, what, factor, measured) {
  const rate = { what, unit: '/s', goal: /** @type {const} */ ({ than: 'MinIO', factor }) };
  report.add(rate, target.name, measured.requests / measured.seconds);
  const slowest = { what: `${what}, 99th percentile`, unit: 'ms', more_is_better: false };
  report.add(slowest, target.name, measured.p99_ms);
}

/** 4 KiB objects, written and read. @param {Bench} bench */
export async function smallObjects(bench) {
  const { loader, servers, report, sizes, log } = bench;
  for (const target of servers) await makeBucket(bench, target, 'small');
  for (let round = 0; round < sizes.rounds; round += 1)
    for (const target of servers) {
      await settle();
      const plan = /** @type {const} */ ({
        type: 'put',
        bucket: 'small',
        prefix: `r${round}/`,
        first: 0,
        count: sizes.small_puts_max,
        size_bytes: SMALL_BYTES,
      });
      const put = mustSucceed(
        await loader.run({ target, plan, connections: CONNECTIONS, duration_ms: sizes.round_ms }),
        'PUT',
      );
      addRate(report, target, '4 KiB PUT', 6, put);
      const compared = await loader.verify({
        target,
        plan: { ...plan, count: put.requests },
        connections: 1,
      });
      const read = /** @type {const} */ ({
        type: 'get',
        bucket: 'small',
        prefix: `r${round}/`,
        first: 0,
        count: put.requests - CONNECTIONS,
      });
      const get = mustSucceed(
        await loader.run({
          target,
          plan: read,
          connections: CONNECTIONS,
          duration_ms: sizes.round_ms,
          cycle: true,
        }),
        'GET',
      );
      addRate(report, target, '4 KiB GET', 2.5, get);
      log(
        `${target.name}: ${Math.round(put.requests / put.seconds)} PUT/s, ${Math.round(get.requests / get.seconds)} GET/s, ${compared} compared`,
      );
    }
}

/** One large object at a time, and what the disk itself can do. @param {Bench} bench */
export async function largeObjects(bench) {
  const { loader, servers, report, sizes, folder, log } = bench;
  for (const target of servers) await makeBucket(bench, target, 'large');
  const size_bytes = sizes.large_bytes;
  const name = `${Math.round(size_bytes / MIB)} MiB`;
  for (let round = 0; round < sizes.rounds; round += 1) {
    await settle();
    const disk = await diskRate(folder, size_bytes);
    for (const target of servers) {
      report.add({ what: `dd + fsync, ${name}`, unit: 'MiB/s' }, target.name, disk);
      await settle();
      const plan = /** @type {const} */ ({
        type: 'put',
        bucket: 'large',
        prefix: '',
        first: round,
        count: 1,
        size_bytes,
      });
      const put = mustSucceed(await loader.run({ target, plan, connections: 1 }), 'large PUT');
      report.add(
        { what: `${name} PUT`, unit: 'MiB/s', goal: { than: 'MinIO', factor: 1 } },
        target.name,
        size_bytes / MIB / put.seconds,
      );
      const read = /** @type {const} */ ({
        type: 'get',
        bucket: 'large',
        prefix: '',
        first: round,
        count: 1,
      });
      const rates = [];
      // The first reading may come from the disk; the others are what the server adds.
      for (let pass = 0; pass < 4; pass += 1) {
        const get = mustSucceed(
          await loader.run({
            target,
            plan: read,
            connections: 1,
            read_buffer_bytes: LARGE_READ_BUFFER_BYTES,
          }),
          'large GET',
        );
        if (get.received_bytes !== size_bytes)
          throw new Error(`large GET: ${get.received_bytes} of ${size_bytes} bytes`);
        if (pass > 0) rates.push(size_bytes / MIB / get.seconds);
      }
      const best = Math.max(...rates);
      report.add(
        { what: `${name} GET`, unit: 'MiB/s', goal: { than: 'MinIO', factor: 1.5 } },
        target.name,
        best,
      );
      log(
        `${target.name}: ${name} PUT ${(size_bytes / MIB / put.seconds).toFixed(0)} MiB/s (disk ${disk.toFixed(0)}), GET ${best.toFixed(0)} MiB/s`,
      );
    }
  }
}

/** @param {string} folder @param {number} size_bytes @returns {Promise<number>} MiB/s */
async function diskRate(folder, size_bytes) {
  const file = join(folder, 'dd-probe');
  const started = performance.now();
  const count = Math.max(1, Math.round(size_bytes / MIB));
  await run('dd', ['if=/dev/zero', `of=${file}`, 'bs=1M', `count=${count}`, 'conv=fsync']);
  const seconds = (performance.now() - started) / 1_000;
  await rm(file);
  return count / seconds;
}

/** Tiny objects into the bucket that is listed. @param {Bench} bench @param {Server} target @param {number} keys */
async function fill({ loader, log }, target, keys) {
  const started = performance.now();
  for (let first = 0; first < keys; first += FILL_BATCH) {
    const count = Math.min(FILL_BATCH, keys - first);
    const plan = /** @type {const} */ ({
      type: 'put',
      bucket: 'listed',
      prefix: '',
      first,
      count,
      size_bytes: 8,
    });
    mustSucceed(await loader.run({ target, plan, connections: CONNECTIONS * 2 }), 'fill');
  }
  const seconds = (performance.now() - started) / 1_000;
  log(`${target.name}: filled ${keys} keys in ${seconds.toFixed(1)} s`);
}

/** Pages of 1,000 keys at several depths, and 1,000 common prefixes. @param {Bench} bench */
export async function listings(bench) {
  const { loader, servers, report, sizes } = bench;
  for (const [at, target] of servers.entries()) {
    const keys = at === 0 ? sizes.keys : Math.min(sizes.keys, sizes.rival_keys);
    await makeBucket(bench, target, 'listed');
    await fill(bench, target, keys);
    const depths = [0, 0.25, 0.5, 0.75, 0.98].map((depth) => {
      // The last page begins where a full one still follows.
      const number = Math.floor(Math.min(depth, 1 - 1_002 / keys) * 1_000);
      return {
        what: `page of 1,000 keys at ${Math.round(depth * 100)} %`,
        query: depth === 0 ? {} : { 'start-after': keyOf('', number) },
      };
    });
    const queries = [...depths, { what: '1,000 prefixes by delimiter', query: { delimiter: '/' } }];
    for (const { what, query } of queries) {
      const repeated = Array.from(
        { length: LIST_REPEATS },
        () => /** @type {Record<string, string>} */ (query),
      );
      const measured = mustSucceed(
        await loader.run({
          target,
          plan: { type: 'list', bucket: 'listed', queries: repeated },
          connections: 1,
          read_buffer_bytes: LARGE_READ_BUFFER_BYTES,
        }),
        what,
      );
      const expected = LIST_REPEATS * Math.min(1_000, keys);
      if (measured.entries !== expected)
        throw new Error(`${target.name}: ${what}: ${measured.entries} entries, not ${expected}`);
      report.add(
        { what, unit: 'ms', more_is_better: false, goal: { limit: 5 } },
        target.name,
        measured.p50_ms,
      );
    }
  }
}

/** @param {Bench} bench */
export async function shards({ loader, servers, report, sizes, log }) {
  const [target] = servers;
  if (target === undefined) return;
  for (let round = 0; round < sizes.rounds; round += 1) {
    await settle();
    const plan = /** @type {const} */ ({
      type: 'shard-put',
      first: round * sizes.shards_max,
      count: sizes.shards_max,
      size_bytes: SMALL_BYTES,
    });
    const put = mustSucceed(
      await loader.run({ target, plan, connections: CONNECTIONS, duration_ms: sizes.round_ms }),
      'store',
    );
    report.add(
      { what: 'shard store, 4 KiB', unit: '/s', goal: { limit: 2_500 } },
      target.name,
      put.requests / put.seconds,
    );
    const compared = await loader.verify({
      target,
      plan: { ...plan, count: put.requests - CONNECTIONS },
      connections: 1,
    });
    const read = /** @type {const} */ ({
      type: 'shard-get',
      first: plan.first,
      count: put.requests - CONNECTIONS,
    });
    const get = mustSucceed(
      await loader.run({
        target,
        plan: read,
        connections: CONNECTIONS,
        duration_ms: sizes.round_ms,
        cycle: true,
      }),
      'retrieve',
    );
    report.add(
      { what: 'shard retrieve, 4 KiB', unit: '/s', goal: { limit: 4_000 } },
      target.name,
      get.requests / get.seconds,
    );
    log(
      `shards: ${Math.round(put.requests / put.seconds)} stored/s, ${Math.round(get.requests / get.seconds)} retrieved/s, ${compared} compared`,
    );
  }
}

/** Eight large objects at once, up and down. @param {Bench} bench */
export async function parallelMemory(bench) {
  const { loader, servers, report, sizes, log } = bench;
  const size_bytes = sizes.parallel_bytes;
  const name = `${PARALLEL_OBJECTS} x ${Math.round(size_bytes / MIB)} MiB`;
  for (const target of servers) {
    await makeBucket(bench, target, 'parallel');
    await settle();
    for (const type of /** @type {const} */ (['put', 'get'])) {
      const stop = watchMemory(target.pid);
      const plan = { type, bucket: 'parallel', prefix: '', first: 0, count: PARALLEL_OBJECTS, size_bytes };
      const measured = mustSucceed(
        await loader.run({
          target,
          plan,
          connections: PARALLEL_OBJECTS,
          read_buffer_bytes: LARGE_READ_BUFFER_BYTES,
        }),
        name,
      );
      const peak = await stop();
      const way = type === 'put' ? 'up' : 'down';
      report.add(
        { what: `memory, ${name} ${way}`, unit: 'MB', more_is_better: false, goal: { limit: 268 } },
        target.name,
        peak.all_bytes / 1e6,
      );
      report.add(
        { what: `of it anonymous, ${way}`, unit: 'MB', more_is_better: false },
        target.name,
        peak.anonymous_bytes / 1e6,
      );
      report.add(
        { what: `${name} ${way}`, unit: 'MiB/s' },
        target.name,
        (PARALLEL_OBJECTS * size_bytes) / MIB / measured.seconds,
      );
      log(`${target.name}: ${name} ${way}: ${(peak.all_bytes / 1e6).toFixed(0)} MB resident`);
    }
  }
}

/** @param {Bench} bench @param {string} when */
export async function memoryNow({ servers, report }, when) {
  for (const target of servers) {
    const { all_bytes, anonymous_bytes } = await residentMemory(target.pid);
    report.add(
      { what: `memory ${when}`, unit: 'MB', more_is_better: false, goal: { limit: 100 } },
      target.name,
      all_bytes / 1e6,
    );
    report.add(
      { what: `of it anonymous, ${when}`, unit: 'MB', more_is_better: false },
      target.name,
      anonymous_bytes / 1e6,
    );
  }
}
