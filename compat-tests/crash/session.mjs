import { acknowledge, begin, refuse } from './history.mjs';
import { RefusedError } from './s3-client.mjs';

/**
 * @typedef {import('./history.mjs').KeyHistory} KeyHistory
 * @typedef {import('./history.mjs').UploadHistory} UploadHistory
 * @typedef {import('./history.mjs').SharedHistory} SharedHistory
 * @typedef {import('./random.mjs').Random} Random
 *
 * One client and all that it knows; lives over all rounds.
 * @typedef {object} Writer
 * @property {KeyHistory[]} keys objects of the S3 door
 * @property {KeyHistory[]} shards objects of the shard door
 * @property {UploadHistory[]} uploads
 *
 * What a writer needs while the node runs.
 * @typedef {object} Session
 * @property {import('./s3-client.mjs').S3Client} s3
 * @property {string | null} api_url of the shard door
 * @property {Random} random
 * @property {readonly SharedHistory[]} shared
 * @property {() => boolean} over the node was killed: errors of the connection are expected
 * @property {(operation: string) => void} sending called just before a request goes out
 * @property {(error: RefusedError) => boolean} may_refuse an answer that says that nothing was done
 */

/**
 * Sends one write of a key and records what came back.
 * @param {KeyHistory} history @param {Session} session @param {string} how
 * @param {import('./history.mjs').Write} write @param {() => Promise<string>} send gives the version id
 */
export async function record(history, session, how, write, send) {
  begin(history, write, how);
  session.sending(how);
  try {
    acknowledge(history, await send());
  } catch (error) {
    if (error instanceof RefusedError && session.may_refuse(error)) refuse(history, error.message);
    throw error;
  }
}
