import { setTimeout as delay } from 'node:timers/promises';
import { createS3Client, RefusedError } from '../crash/s3-client.mjs';

/**
 * A client of several nodes that serve the same buckets, as a client behind a load balancer is.
 * @typedef {import('../crash/s3-client.mjs').Call} Call
 * @typedef {import('../crash/s3-client.mjs').Answer} Answer
 *
 * @typedef {object} Outcome
 * @property {Answer} answer
 * @property {boolean} uncertain an attempt before this answer may have been carried out too, even later
 *
 * @typedef {object} ClusterClient
 * @property {(call: Call, accept?: readonly number[]) => Promise<Outcome>} ask an answer of success, or of an accepted
 *   status
 * @property {() => number} repeats so far
 * @property {() => void} close
 */

/** What a client may hope to be over when it asks again (S3 API reference, "Error responses"). */
const TRANSIENT = new Set([500, 502, 503, 504]);
const ROUNDS_MAX = 100;
const ROUND_PAUSE_MS = 100;

/**
 * Sends each call to the next node in turn, and what is refused for now or cut off to the other ones.
 * @param {readonly import('../crash/s3-client.mjs').Endpoint[]} nodes
 * @returns {ClusterClient}
 */
export function createClusterClient(nodes) {
  const clients = nodes.map(createS3Client);
  let turn = 0;
  let repeats = 0;
  return {
    async ask(call, accept = []) {
      const first = turn;
      turn += 1;
      /** @type {unknown} */
      let failure;
      for (let attempt = 0; attempt < ROUNDS_MAX * clients.length; attempt += 1) {
        if (attempt > 0) repeats += 1;
        if (attempt > 0 && attempt % clients.length === 0) await delay(ROUND_PAUSE_MS);
        try {
          const answer = await clients[(first + attempt) % clients.length]?.send(call);
          if (answer === undefined) throw new Error('a client of no nodes');
          const { status } = answer;
          if (status < 300 || accept.includes(status)) return { answer, uncertain: failure !== undefined };
          failure = new RefusedError(call, answer);
          if (!TRANSIENT.has(status)) break;
        } catch (error) {
          // The connection was refused, or cut off before the answer was whole.
          failure = error;
        }
      }
      throw failure;
    },
    repeats: () => repeats,
    close: () => {
      for (const client of clients) client.close();
    },
  };
}
