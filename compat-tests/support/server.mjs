import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';

/**
 * A server under test, whichever program it is.
 * @typedef {object} Server
 * @property {string} name
 * @property {number} pid
 * @property {string} s3_url
 * @property {string | null} api_url the shard API; null where the program has none
 * @property {string} access_key
 * @property {string} secret_key
 * @property {string} log_file standard output and error of the program
 * @property {() => Promise<number | null>} stop ends it with SIGTERM (SIGKILL after a while); the exit code
 * @property {() => Promise<void>} kill ends it with SIGKILL
 */

const STOP_TIMEOUT_MS = 30_000;

/**
 * Collects a child's output in a file and gives the means to end it, by its own pid alone.
 * @param {import('node:child_process').ChildProcess} child
 * @param {string} log_file
 */
export function supervise(child, log_file) {
  const log = createWriteStream(log_file, { flags: 'a' });
  child.stdout?.pipe(log, { end: false });
  child.stderr?.pipe(log, { end: false });
  /** @type {Promise<number | null>} */
  const exited = new Promise((resolve) => {
    child.once('close', async (code) => {
      log.end();
      await finished(log).catch(() => {});
      resolve(code);
    });
    child.once('error', () => resolve(null));
  });
  /** @param {NodeJS.Signals} signal */
  const end = async (signal) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    const code = await exited;
    clearTimeout(timer);
    return code;
  };
  return {
    exited,
    stop: () => end('SIGTERM'),
    kill: async () => {
      await end('SIGKILL');
    },
  };
}
