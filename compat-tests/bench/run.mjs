/**
 * npm run bench -- [--minio PATH] [--keys N] [--gib N] [--rounds N] [--only NAMES] [--smoke]
 *
 * Measures a node on a fresh folder over loopback; with a MinIO binary (`--minio` or MINIO_BIN) also that, in
 * turns with the node, durable and with its default settings. Prints a table of medians, writes
 * `.compat/bench.json`, and stops by itself. `--smoke` runs everything for a moment, so that it cannot rot.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildNode } from '../support/build.mjs';
import { startMinio } from '../support/minio.mjs';
import { startNode } from '../support/node.mjs';
import { TOOLS } from '../support/paths.mjs';
import { temporaryFolder } from '../support/temp.mjs';
import { startLoader } from './load.mjs';
import { createReport } from './report.mjs';
import { largeObjects, listings, memoryNow, parallelMemory, shards, smallObjects } from './scenarios.mjs';
import { measureStart } from './start.mjs';
import { overUpstream } from './upstream.mjs';

/** @typedef {import('./scenarios.mjs').Bench} Bench */

const MIB = 1024 ** 2;
const SCENARIOS = ['parallel', 'small', 'large', 'shards', 'list', 'start', 'upstream'];

function readOptions() {
  const { values } = parseArgs({
    options: {
      minio: { type: 'string' },
      keys: { type: 'string' },
      'minio-keys': { type: 'string' },
      gib: { type: 'string' },
      rounds: { type: 'string' },
      only: { type: 'string' },
      smoke: { type: 'boolean', default: false },
      'no-node': { type: 'boolean', default: false },
    },
  });
  const { smoke } = values;
  return {
    minio: values.minio ?? process.env.MINIO_BIN,
    only: values.only?.split(',') ?? SCENARIOS,
    with_node: !values['no-node'],
    sizes: {
      rounds: Number(values.rounds ?? (smoke ? 1 : 5)),
      round_ms: smoke ? 300 : 4_000,
      small_puts_max: smoke ? 3_000 : 60_000,
      large_bytes: (smoke ? 4 : 256) * MIB,
      keys: Number(values.keys ?? (smoke ? 2_000 : 100_000)),
      rival_keys: Number(values['minio-keys'] ?? 20_000),
      shards_max: smoke ? 2_000 : 25_000,
      parallel_bytes: Math.round(Number(values.gib ?? (smoke ? 1 / 128 : 1)) * 1024) * MIB,
    },
  };
}

const { minio, only, with_node, sizes } = readOptions();
const log = (/** @type {string} */ line) => console.log(line);
const folder = await temporaryFolder('bench');
const report = createReport();
const loader = startLoader();
/** @type {import('../support/server.mjs').Server[]} */
const servers = [];
/** @type {Bench} */
const bench = { loader, servers, report, sizes, folder, log };
try {
  if (with_node) {
    await buildNode();
    servers.push(
      await startNode({
        folder: join(folder, 'node'),
      }),
    );
  }
  if (minio !== undefined) servers.push(await startMinio({ binary: minio, folder: join(folder, 'minio') }));
  await memoryNow(bench, 'at rest');
  // First: pages of the index that other scenarios touch stay mapped, and would be counted as memory.
  if (only.includes('parallel')) await parallelMemory(bench);
  if (only.includes('small')) await smallObjects(bench);
  if (only.includes('large')) await largeObjects(bench);
  if (only.includes('shards') && with_node) await shards(bench);
  if (only.includes('list')) await listings(bench);
  if (only.includes('start') && with_node) await measureStart(bench);
  if (only.includes('upstream') && with_node && minio !== undefined) await overUpstream(bench);
} finally {
  loader.stop();
  for (const server of servers) await server.stop();
  await rm(folder, { recursive: true, force: true });
}
await mkdir(TOOLS, { recursive: true });
await writeFile(join(TOOLS, 'bench.json'), JSON.stringify(report, null, 1));
console.log(`\nmedian of ${sizes.rounds} rounds, ${sizes.keys} keys listed\n`);
console.log(report.table(servers.map(({ name }) => name)));
