/**
 * The load generator, a process of its own. Takes jobs over IPC one after the other, answers each with what
 * was measured. Ends when the parent goes away.
 */
import { createHash } from 'node:crypto';
import { smallBody } from './content.mjs';
import { openConnection } from './http-connection.mjs';
import { keyOf, prepare } from './plans.mjs';

/**
 * @typedef {object} Job
 * @property {import('./plans.mjs').Target} target
 * @property {import('./plans.mjs').Plan} plan
 * @property {number} connections
 * @property {number} [duration_ms] stops after that long; without it every request is sent once
 * @property {number} [read_buffer_bytes]
 * @property {boolean} [cycle] begins again at the first request when all were sent, until the time is up
 *
 * @typedef {object} Measured
 * @property {number} requests
 * @property {number} seconds
 * @property {number} received_bytes
 * @property {number} p50_ms
 * @property {number} p99_ms
 * @property {number[]} each_ms durations in order, for up to 1,000 requests
 * @property {number} entries keys and prefixes in the listings received
 * @property {Record<string, number>} refused answers other than 2xx, by status
 */

const EACH_MAX = 1_000;

/** @param {Float64Array} sorted @param {number} share */
const percentile = (sorted, share) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

/** @param {Job} job @returns {Promise<Measured>} */
async function runJob({ target, plan, connections, duration_ms, read_buffer_bytes, cycle = false }) {
  const { host, port, count, request } = prepare(target, plan);
  const wanted = Math.min(connections, cycle ? connections : count);
  const address = { host, port, ...(read_buffer_bytes === undefined ? {} : { read_buffer_bytes }) };
  const open = await Promise.all(Array.from({ length: wanted }, () => openConnection(address)));
  /** @type {number[]} */
  const durations = [];
  /** @type {Record<string, number>} */
  const refused = {};
  let next = 0;
  let received_bytes = 0;
  let entries = 0;
  const started = performance.now();
  const deadline = duration_ms === undefined ? Number.POSITIVE_INFINITY : started + duration_ms;
  /** @param {import('./http-connection.mjs').Connection} connection */
  const work = async (connection) => {
    let now = performance.now();
    while (now < deadline && (cycle || next < count)) {
      const index = next % count;
      next += 1;
      const answer = await connection.exchange(request(index));
      const ended = performance.now();
      durations.push(ended - now);
      now = ended;
      received_bytes += answer.body_bytes;
      if (answer.status < 200 || answer.status > 299)
        refused[answer.status] = (refused[answer.status] ?? 0) + 1;
      else if (answer.body !== null) entries += countEntries(answer.body);
    }
  };
  await Promise.all(open.map(work));
  const seconds = (performance.now() - started) / 1_000;
  for (const connection of open) connection.close();
  const sorted = Float64Array.from(durations).sort();
  return {
    requests: durations.length,
    seconds,
    received_bytes,
    p50_ms: percentile(sorted, 0.5),
    p99_ms: percentile(sorted, 0.99),
    each_ms: durations.slice(0, EACH_MAX),
    entries,
    refused,
  };
}

/** @param {Buffer} listing */
function countEntries(listing) {
  return (listing.toString('latin1').match(/<Key>|<CommonPrefixes>/g) ?? []).length;
}

/**
 * Reads objects back and compares them bit for bit; only this process knows what it sent.
 * @param {Job} job a plan of type put or shard-put, as it was run
 */
async function verify({ target, plan }) {
  if (plan.type !== 'put' && plan.type !== 'shard-put') throw new Error('nothing to verify');
  const read =
    plan.type === 'put'
      ? prepare(target, {
          type: 'get',
          bucket: plan.bucket,
          prefix: plan.prefix,
          first: plan.first,
          count: plan.count,
        })
      : prepare(target, { type: 'shard-get', first: plan.first, count: plan.count });
  const connection = await openConnection(read);
  const step = Math.max(1, Math.floor(plan.count / 20));
  let compared = 0;
  for (let index = 0; index < plan.count; index += step) {
    const answer = await connection.exchange({ ...read.request(index), keep_body: true });
    if (answer.status === 404) continue;
    const text = answer.body ?? Buffer.alloc(0);
    const body = plan.type === 'put' ? text : Buffer.from(JSON.parse(text.toString()).shard_data, 'base64');
    if (!body.equals(smallBody(plan.size_bytes, plan.first + index)))
      throw new Error(
        `object ${keyOf('', plan.first + index)} came back different: ${createHash('md5').update(body).digest('hex')}`,
      );
    compared += 1;
  }
  connection.close();
  return compared;
}

process.on(
  'message',
  async (/** @type {{ id: number, action: 'run' | 'verify', job: Job }} */ { id, action, job }) => {
    try {
      process.send?.({ id, result: action === 'run' ? await runJob(job) : await verify(job) });
    } catch (cause) {
      process.send?.({ id, error: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause) });
    }
  },
);
process.on('disconnect', () => process.exit(0));
