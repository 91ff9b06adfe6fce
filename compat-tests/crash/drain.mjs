import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { Agent, request as httpRequest } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { startNode } from '../support/node.mjs';
import { temporaryFolder } from '../support/temp.mjs';
import { CREDENTIALS } from './campaign.mjs';
import { makeContent, sha256 } from './content.mjs';
import { createBucket, getObject } from './s3-calls.mjs';
import { createS3Client, signCall } from './s3-client.mjs';

/**
 * @typedef {import('./s3-client.mjs').Endpoint} Endpoint
 *
 * @typedef {object} DrainOutcome
 * @property {number} in_flight requests under way when the node was told to end
 * @property {number} answered of these, wholly
 * @property {string[]} broken what became of the others
 * @property {number} busy_acknowledged writes of clients that went on writing during the drain
 * @property {string[]} busy_broken their requests that were cut off
 * @property {string[]} lost acknowledged and not there after a restart
 * @property {number | null} exit_code
 */

const BUCKET = 'drain';
const UPLOAD_BYTES = 64 * 1024;
const DOWNLOAD_BYTES = 8 * 1024 ** 2;
const POLL_MS = 10;
/** Answers that a busy client has got before the node is told to end. */
const WARM_ANSWERS = 10;

/**
 * Ends a node in the midst of uploads, downloads and small requests: whoever was under way gets a whole answer.
 * @param {{ uploads: number, downloads: number, busy: number }} counts
 * @returns {Promise<DrainOutcome>}
 */
export async function drainUnderLoad({ uploads, downloads, busy }) {
  const folder = await temporaryFolder('drain');
  const node = await startNode({ folder, ...CREDENTIALS });
  const s3 = createS3Client(node);
  await createBucket(s3, BUCKET, false);
  const large = makeContent(1, DOWNLOAD_BYTES);
  await s3.ask({ method: 'PUT', bucket: BUCKET, key: 'large', body: large.body });
  s3.close();

  const half_sent = await Promise.all(Array.from({ length: uploads }, (_, n) => beginUpload(node, n)));
  const half_read = await Promise.all(Array.from({ length: downloads }, () => beginDownload(node)));
  const clients = Array.from({ length: busy }, (_, n) => startBusyClient(node, n));
  await Promise.all(clients.map((client) => client.warm));

  const stopping = node.stop();
  await drainingSeen(node.api_url);
  const endings = [
    ...half_sent.map((upload) => upload.finish()),
    ...half_read.map((download) => download.finish(large.content.sha256)),
  ];
  const settled = await Promise.allSettled(endings);
  const exit_code = await stopping;
  const writes = await Promise.all(clients.map((client) => client.ended));

  const acknowledged = new Map(writes.flatMap((write) => [...write.acknowledged]));
  settled.slice(0, uploads).forEach(({ status }, n) => {
    if (status === 'fulfilled') acknowledged.set(`upload ${n}`, makeContent(n, UPLOAD_BYTES).content.sha256);
  });
  const lost = await findLost(folder, acknowledged);
  await rm(folder, { recursive: true, force: true });
  return {
    in_flight: endings.length,
    answered: settled.filter(({ status }) => status === 'fulfilled').length,
    broken: settled.flatMap((ending) => (ending.status === 'rejected' ? [String(ending.reason)] : [])),
    busy_acknowledged: writes.reduce((sum, write) => sum + write.acknowledged.size, 0),
    busy_broken: writes.flatMap((write) => write.broken),
    lost,
    exit_code,
  };
}

/**
 * An upload whose headers the server has taken (it said 100 Continue) and whose body is half sent.
 * @param {Endpoint} endpoint @param {number} n
 */
async function beginUpload(endpoint, n) {
  const { body } = makeContent(n, UPLOAD_BYTES);
  const call = { method: 'PUT', bucket: BUCKET, key: `upload ${n}`, body };
  const { path, headers } = signCall(endpoint, call);
  const { hostname, port } = new URL(endpoint.s3_url);
  const request = httpRequest({
    hostname,
    port,
    path,
    method: 'PUT',
    headers: { ...headers, expect: '100-continue' },
    agent: false,
  });
  const answered = answerOf(request);
  // Awaited in finish; until then a failure must not count as unhandled.
  answered.catch(() => {});
  request.flushHeaders();
  await once(request, 'continue');
  request.write(body.subarray(0, UPLOAD_BYTES / 2));
  return {
    finish: async () => {
      request.end(body.subarray(UPLOAD_BYTES / 2));
      const { status } = await answered;
      if (status !== 200) throw new Error(`upload ${n} answered ${status}`);
    },
  };
}

/** A download of which the first bytes have come. @param {Endpoint} endpoint */
async function beginDownload(endpoint) {
  const { path, headers } = signCall(endpoint, { method: 'GET', bucket: BUCKET, key: 'large' });
  const { hostname, port } = new URL(endpoint.s3_url);
  const request = httpRequest({ hostname, port, path, method: 'GET', headers, agent: false });
  request.end();
  /** @type {[import('node:http').IncomingMessage]} */
  const [response] = /** @type {any} */ (await once(request, 'response'));
  request.on('error', () => {});
  return {
    /** @param {string} expected */
    finish: async (expected) => {
      /** @type {Buffer[]} */
      const chunks = [];
      for await (const chunk of response) chunks.push(chunk);
      if (sha256(Buffer.concat(chunks)) !== expected) throw new Error('a download is not what was stored');
    },
  };
}

/**
 * @param {import('node:http').ClientRequest} request
 * @returns {Promise<{ status: number }>} once the whole answer is there
 */
function answerOf(request) {
  return new Promise((resolve, reject) => {
    request.on('error', reject);
    request.on('response', (response) => {
      response.resume();
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0 }));
    });
  });
}

/**
 * A client that puts small objects over one kept connection, until the node no longer takes connections.
 * @param {Endpoint} endpoint @param {number} n
 */
function startBusyClient(endpoint, n) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const { hostname, port } = new URL(endpoint.s3_url);
  /** @type {Map<string, string>} */
  const acknowledged = new Map();
  /** @type {string[]} */
  const broken = [];
  /** @type {() => void} */
  let warmUp = () => {};
  const warm = new Promise((/** @type {(value?: void) => void} */ resolve) => {
    warmUp = resolve;
  });
  const run = async () => {
    for (let turn = 0; ; turn += 1) {
      const key = `busy ${n}/${turn}`;
      const { body, content } = makeContent(n * 100_000 + turn, 2_000);
      const { path, headers } = signCall(endpoint, { method: 'PUT', bucket: BUCKET, key, body });
      const request = httpRequest({ hostname, port, path, method: 'PUT', headers, agent });
      const answered = answerOf(request);
      request.end(body);
      try {
        const { status } = await answered;
        if (status === 200) acknowledged.set(key, content.sha256);
        else if (status !== 503) broken.push(`${key} answered ${status}`);
      } catch (error) {
        // A fresh connection may be turned away; a request on one that was served before may not be cut off.
        if (request.reusedSocket) broken.push(`${key}: ${error}`);
        break;
      }
      if (turn === WARM_ANSWERS) warmUp();
    }
    warmUp();
    agent.destroy();
    return { acknowledged, broken };
  };
  return { warm, ended: run() };
}

/** Until the node says that it is draining, or takes no more connections. @param {string} api_url */
async function drainingSeen(api_url) {
  for (;;) {
    const answer = await fetch(`${api_url}/health`).catch(() => null);
    await answer?.body?.cancel();
    if (answer === null || answer.status === 503) return;
    await delay(POLL_MS);
  }
}

/** @param {string} folder @param {ReadonlyMap<string, string>} acknowledged SHA-256 by key */
async function findLost(folder, acknowledged) {
  const node = await startNode({ folder, ...CREDENTIALS });
  const s3 = createS3Client(node);
  const lost = [];
  for (const [key, expected] of acknowledged) {
    const body = await getObject(s3, { bucket: BUCKET, key });
    if (body === null || sha256(body) !== expected) lost.push(key);
  }
  s3.close();
  await node.stop();
  return lost;
}
