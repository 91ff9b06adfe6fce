import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from './ports.mjs';
import { run } from './process.mjs';
import { answers, startProgram, untilReady } from './upstream.mjs';

const REGION = 'garage';
/** What Garage advises from three nodes on: each object on three of them, two of which have to answer. */
const COPIES_MAX = 3;

/**
 * @typedef {object} Lifecycle
 * @property {() => Promise<void>} start brings it back after `stop` or `kill`, with its data and at the same address, and
 *   resolves when it serves
 * @property {() => Promise<void>} repair begins to tell the others what its tables hold. Until all have done so, listings
 *   may show what was deleted while one of them was away (Garage does it by itself every ten minutes)
 *
 * @typedef {import('./upstream.mjs').Upstream & Lifecycle} GarageNode
 */

/**
 * One Garage node with a key that may create buckets, on loopback.
 * @param {{ binary: string, folder: string }} options
 * @returns {Promise<GarageNode>}
 */
export async function startGarage(options) {
  const [node] = await startGarageCluster({ ...options, nodes: 1 });
  if (node === undefined) throw new Error('a cluster without nodes');
  return node;
}

/**
 * A cluster of three nodes, each object on all of them; requests go to the first one.
 * @param {{ binary: string, folder: string }} options
 * @returns {Promise<import('./upstream.mjs').Upstream>}
 */
export async function startReplicatedGarage(options) {
  const nodes = await startGarageCluster({ ...options, nodes: COPIES_MAX });
  const [first] = nodes;
  if (first === undefined) throw new Error('a cluster without nodes');
  return {
    ...first,
    stop: async () => Math.max(...(await Promise.all(nodes.map((node) => node.stop()))).map(Number)),
    kill: async () => void (await Promise.all(nodes.map((node) => node.kill()))),
  };
}

/**
 * Nodes of one Garage cluster, each in a zone of its own, with one key for all.
 * @param {{ binary: string, folder: string, nodes: number }} options
 * @returns {Promise<GarageNode[]>}
 */
export async function startGarageCluster({ binary, folder, nodes: count }) {
  const key = {
    region: REGION,
    access_key: `GK${randomBytes(12).toString('hex')}`,
    secret_key: randomBytes(32).toString('hex'),
  };
  const rpc_secret = randomBytes(32).toString('hex');
  const nodes = [];
  for (let number = 1; number <= count; number += 1) {
    const own = { binary, folder: join(folder, `node-${number}`), rpc_secret };
    nodes.push(await prepareNode({ ...own, copies: Math.min(count, COPIES_MAX) }, key));
  }
  await Promise.all(nodes.map((node) => node.launch()));
  const [first] = nodes;
  if (first === undefined) return [];
  const addresses = await Promise.all(nodes.map((node) => node.garage('node', 'id', '-q')));
  for (const address of addresses.slice(1)) await first.garage('node', 'connect', address);
  for (const [index, address] of addresses.entries()) {
    const [id = ''] = address.split('@');
    await first.garage('layout', 'assign', '--zone', `zone-${index + 1}`, '--capacity', '10G', id);
  }
  await first.garage('layout', 'apply', '--version', '1');
  await first.garage('key', 'import', '--yes', key.access_key, key.secret_key, '-n', 'adapter');
  await first.garage('key', 'allow', '--create-bucket', 'adapter');
  await Promise.all(nodes.map((node) => node.serving()));
  return nodes;
}

/**
 * @param {{ binary: string, folder: string, rpc_secret: string, copies: number }} options
 * @param {{ region: string, access_key: string, secret_key: string }} key
 */
async function prepareNode({ binary, folder, rpc_secret, copies }, key) {
  await mkdir(folder, { recursive: true });
  const [s3_port, rpc_port] = [await freePort(), await freePort()];
  const server = { ...key, s3_url: `http://127.0.0.1:${s3_port}` };
  const file = join(folder, 'garage.toml');
  await writeFile(file, configuration({ folder, s3_port, rpc_port, rpc_secret, copies }));
  /** @param {string[]} args */
  const garage = async (...args) => (await run(binary, ['-c', file, ...args])).text.trim();
  /** @type {ReturnType<typeof startProgram> | undefined} */
  let program;
  const running = () => {
    if (program === undefined) throw new Error('the node was not started');
    return program;
  };
  const launch = async () => {
    program = startProgram({ name: 'garage', binary, args: ['-c', file, 'server'], folder });
    await untilReady(
      program,
      async () => (await garage('node', 'id', '-q')) !== '' && (await garage('status')) !== '',
    );
  };
  const serving = () => untilReady(running(), () => answers(server));
  return {
    ...server,
    garage,
    launch,
    serving,
    start: async () => {
      await launch();
      await serving();
    },
    repair: async () => {
      await garage('repair', '--yes', 'tables');
    },
    stop: () => running().stop(),
    kill: () => running().kill(),
  };
}

/** @param {{ folder: string, s3_port: number, rpc_port: number, rpc_secret: string, copies: number }} settings */
function configuration({ folder, s3_port, rpc_port, rpc_secret, copies }) {
  return `
metadata_dir = ${JSON.stringify(join(folder, 'meta'))}
data_dir = ${JSON.stringify(join(folder, 'data'))}
db_engine = "lmdb"
replication_factor = ${copies}
rpc_bind_addr = "127.0.0.1:${rpc_port}"
rpc_public_addr = "127.0.0.1:${rpc_port}"
rpc_secret = "${rpc_secret}"

[s3_api]
s3_region = "${REGION}"
api_bind_addr = "127.0.0.1:${s3_port}"
`;
}
