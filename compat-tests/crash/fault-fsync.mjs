import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { startNode } from '../support/node.mjs';
import { temporaryFolder } from '../support/temp.mjs';
import { bucketsOf, CREDENTIALS, createWorld, KEYS_EACH } from './campaign.mjs';
import { checkWorld, noFindings } from './check.mjs';
import { createRandom, seedOf } from './random.mjs';
import { createBucket } from './s3-calls.mjs';
import { createS3Client, RefusedError } from './s3-client.mjs';
import { createWriter, work } from './workload.mjs';

/**
 * @typedef {object} FaultOptions
 * @property {number} seed
 * @property {boolean} [versioned]
 * @property {(line: string) => void} [log]
 *
 * @typedef {{ skipped: string }} Skipped
 *
 * @typedef {object} Storage
 * @property {import('./check.mjs').World & { writers: import('./session.mjs').Writer[] }} world
 * @property {readonly { bucket: string, versioned: boolean }[]} buckets
 */

const CLIENTS = 6;
/** One after the other in each lane; the node is to be gone long before. */
const CLIENTS_EACH_MAX = 500;
const STRACE = ['/usr/bin/strace', '/usr/local/bin/strace', '/bin/strace'];
/** Good fsyncs of each thread before the first that fails. */
const GOOD_FSYNCS_MAX = 60;
const EXIT_WAIT_MS_MAX = 20_000;

/** @returns {string | undefined} */
export function findStrace() {
  return STRACE.find((file) => existsSync(file));
}

/**
 * From some moment on every fsync of the node fails with EIO, as on a dying disk. The node must not acknowledge what it
 * could not make durable: it stops and exits non-zero, and after a restart everything acknowledged is there.
 * @param {FaultOptions} options
 * @returns {Promise<Skipped | { exit_code: number | null, refused: number, findings: import('./check.mjs').Findings }>}
 */
export async function runFsyncFault({ seed, versioned = false }) {
  const strace = findStrace();
  if (strace === undefined) return { skipped: 'strace is not installed' };
  const folder = await temporaryFolder('crash-fsync');
  const random = createRandom(seedOf(seed, 1));
  const buckets = bucketsOf(versioned);
  const world = createWorld(buckets, CLIENTS);
  const node = await startNode({ folder, ...CREDENTIALS });
  const s3 = createS3Client(node);
  for (const { bucket, versioned } of buckets) await createBucket(s3, bucket, versioned);
  s3.close();
  const good = random.integer(1, GOOD_FSYNCS_MAX);
  const tracer = await injectFsyncErrors(strace, node.pid, good);
  if ('skipped' in tracer) {
    await node.stop();
    await rm(folder, { recursive: true, force: true });
    return tracer;
  }
  try {
    const refused = await writeUntilGone(node, { world, buckets }, seed);
    const exit_code = await withDeadline(node.exited, 'the node did not exit');
    if (exit_code === 0) throw new Error('the node exited with 0 though it could not write');
    const findings = noFindings();
    const again = await startNode({ folder, ...CREDENTIALS });
    const reader = createS3Client(again);
    await checkWorld(reader, world, { random, read_all: true, findings }).finally(() => reader.close());
    await again.stop();
    await rm(folder, { recursive: true, force: true });
    return { exit_code, refused, findings };
  } catch (cause) {
    await node.kill();
    throw new Error(`fsync fault, seed ${seed}, after ${good} fsyncs, folder ${folder} kept\n${cause}`, {
      cause,
    });
  } finally {
    tracer.detach();
  }
}

/**
 * @param {string} strace @param {number} pid @param {number} good
 * @returns {Promise<Skipped | { detach: () => void }>}
 */
function injectFsyncErrors(strace, pid, good) {
  const inject = `inject=fsync,fdatasync:error=EIO:when=${good}+`;
  const tracer = spawn(strace, ['-f', '-p', String(pid), '-e', 'trace=fsync,fdatasync', '-e', inject], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  return new Promise((resolve) => {
    /** @type {string[]} */
    const said = [];
    const lines = createInterface({ input: tracer.stderr });
    lines.on('line', (line) => {
      if (said.length < 10) said.push(line);
      if (/attached/.test(line)) resolve({ detach: () => tracer.kill('SIGTERM') });
    });
    tracer.once('error', (error) => resolve({ skipped: error.message }));
    tracer.once('exit', () => resolve({ skipped: `strace cannot attach: ${said.join(' ')}` }));
  });
}

/**
 * Writes until the node is gone. What failed may be done or not: its client ends, and one with keys of its own comes.
 * @param {import('../support/server.mjs').Server} node @param {Storage} storage @param {number} seed
 * @returns {Promise<number>} writes that got an error for an answer
 */
async function writeUntilGone(node, { world, buckets }, seed) {
  let gone = false;
  let refused = 0;
  /** @param {import('./session.mjs').Writer} writer @param {number} index */
  const runClient = async (writer, index) => {
    const s3 = createS3Client(node);
    const session = {
      s3,
      api_url: node.api_url,
      random: createRandom(seedOf(seed, index)),
      shared: world.shared,
      over: () => gone,
      sending: () => {},
      may_refuse: () => false,
    };
    try {
      await work(writer, session);
    } catch (error) {
      if (error instanceof RefusedError) refused += 1;
      else if (isLostConnection(error)) gone = true;
      else throw error;
    } finally {
      s3.close();
    }
  };
  const lanes = world.writers.map(async (first, lane) => {
    await runClient(first, lane);
    for (let turn = 1; !gone && turn < CLIENTS_EACH_MAX; turn += 1) {
      const writer = createWriter(`client ${lane}.${turn}`, buckets, KEYS_EACH);
      world.writers.push(writer);
      await runClient(writer, seedOf(lane, turn));
    }
  });
  await withDeadline(Promise.all(lanes), 'the node went on serving writes');
  return refused;
}

/** @param {unknown} error */
function isLostConnection(error) {
  return (
    error instanceof Error &&
    ('code' in error || /cut off|hang up|fetch failed|terminated/.test(error.message))
  );
}

/** @template T @param {Promise<T>} promise @param {string} what @returns {Promise<T>} */
function withDeadline(promise, what) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`${what} within ${EXIT_WAIT_MS_MAX} ms`)),
      EXIT_WAIT_MS_MAX,
    );
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
