import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startNode } from '../support/node.mjs';
import { run } from '../support/process.mjs';
import { temporaryFolder } from '../support/temp.mjs';
import { bucketsOf, CREDENTIALS, createWorld } from './campaign.mjs';
import { checkWorld, noFindings } from './check.mjs';
import { makeContent } from './content.mjs';
import { createRandom, seedOf } from './random.mjs';
import { createBucket, getObject } from './s3-calls.mjs';
import { createS3Client } from './s3-client.mjs';
import { work } from './workload.mjs';

/** @typedef {import('./fault-fsync.mjs').FaultOptions} FaultOptions @typedef {import('./fault-fsync.mjs').Skipped} Skipped */

const DISK_MIB = 96;
const CLIENTS = 6;
/** Refusals after which a client has seen enough of a full disk. */
const REFUSALS_EACH = 15;
const FILLER_BYTES = 4 * 1024 ** 2;

/**
 * A disk that fills up while clients write: writes are refused with 507 and leave nothing, reads and deletes go on, and
 * nothing acknowledged is lost, neither then nor after a restart.
 * @param {FaultOptions} options
 * @returns {Promise<Skipped | { refused: number, findings: import('./check.mjs').Findings }>}
 */
export async function runFullDisk({ seed, versioned = false }) {
  const folder = await temporaryFolder('crash-full');
  const disk = join(folder, 'disk');
  await mkdir(disk);
  const mounted = await mountSmallDisk(disk);
  if (mounted !== null) {
    await rm(folder, { recursive: true, force: true });
    return { skipped: mounted };
  }
  try {
    return await fill(disk, seed, versioned);
  } catch (cause) {
    throw new Error(`full disk, seed ${seed}\n${cause}`, { cause });
  } finally {
    await run('umount', ['-l', disk]);
    await rm(folder, { recursive: true, force: true });
  }
}

/** @param {string} disk @returns {Promise<string | null>} why it cannot be mounted */
async function mountSmallDisk(disk) {
  if (process.getuid?.() !== 0) return 'a small tmpfs needs root';
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m`, 'tmpfs', disk]);
    return null;
  } catch (error) {
    return `a small tmpfs cannot be mounted: ${error instanceof Error ? error.message : error}`;
  }
}

/** @param {string} disk @param {number} seed @param {boolean} versioned */
async function fill(disk, seed, versioned) {
  const random = createRandom(seedOf(seed, 2));
  const buckets = bucketsOf(versioned);
  const world = createWorld(buckets, CLIENTS);
  const folder = join(disk, 'node');
  const findings = noFindings();
  const node = await startNode({ folder, ...CREDENTIALS });
  const s3 = createS3Client(node);
  try {
    for (const { bucket, versioned } of buckets) await createBucket(s3, bucket, versioned);
    const fillers = await putFillers(s3, buckets[0]?.bucket ?? '');
    const refused = await writeWhileFull(node, world, seed);
    if (refused === 0) throw new Error('no write was refused');
    await checkWorld(s3, world, { random, read_all: true, findings, complete_uploads: false });
    await removeFillers(s3, buckets[0]?.bucket ?? '', fillers);
    s3.close();
    const exit_code = await node.stop();
    if (exit_code !== 0) throw new Error(`the node ended with ${exit_code}`);
    const again = await startNode({ folder, ...CREDENTIALS });
    const reader = createS3Client(again);
    await checkWorld(reader, world, { random, read_all: true, findings, complete_uploads: false }).finally(
      () => reader.close(),
    );
    await again.stop();
    return { refused, findings };
  } catch (cause) {
    await node.kill();
    throw cause;
  }
}

/**
 * Objects of a few megabytes until the disk takes no more.
 * @param {import('./s3-client.mjs').S3Client} s3 @param {string} bucket
 * @returns {Promise<Map<string, import('./content.mjs').Content>>} those that were acknowledged
 */
async function putFillers(s3, bucket) {
  const fillers = new Map();
  for (let n = 0; ; n += 1) {
    const key = `filler ${n}`;
    const { content, body } = makeContent(n + 1, FILLER_BYTES);
    const { status } = await s3.send({ method: 'PUT', bucket, key, body });
    if (status === 507) return fillers;
    if (status !== 200) throw new Error(`a put on a filling disk answered ${status}, not 200 or 507`);
    fillers.set(key, content);
    if (n * FILLER_BYTES > DISK_MIB * 1024 ** 2)
      throw new Error('more bytes were acknowledged than the disk holds');
  }
}

/**
 * @param {import('../support/server.mjs').Server} node @param {import('./check.mjs').World} world @param {number} seed
 * @returns {Promise<number>} refused writes
 */
async function writeWhileFull(node, world, seed) {
  const counts = world.writers.map(async (writer, index) => {
    const s3 = createS3Client(node);
    let refused = 0;
    let steps = 0;
    await work(writer, {
      s3,
      api_url: node.api_url,
      random: createRandom(seedOf(seed, index)),
      shared: world.shared,
      over: () => refused >= REFUSALS_EACH || steps > 50 * REFUSALS_EACH,
      sending: () => {
        steps += 1;
      },
      // 507 says that nothing was done; any other error fails the test, and so does a delete that finds no room.
      may_refuse: ({ status, deletes }) => {
        if (status !== 507 || deletes) return false;
        refused += 1;
        return true;
      },
    }).finally(() => s3.close());
    return refused;
  });
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

/**
 * @param {import('./s3-client.mjs').S3Client} s3 @param {string} bucket
 * @param {ReadonlyMap<string, import('./content.mjs').Content>} fillers
 */
async function removeFillers(s3, bucket, fillers) {
  for (const [key, content] of fillers) {
    const body = await getObject(s3, { bucket, key });
    const { body: expected } = makeContent(content.seed, content.size_bytes);
    if (body === null || !body.equals(expected)) throw new Error(`${key} was acknowledged and is lost`);
    await s3.ask({ method: 'DELETE', bucket, key });
    if ((await getObject(s3, { bucket, key })) !== null) throw new Error(`${key} was deleted and is there`);
  }
}
