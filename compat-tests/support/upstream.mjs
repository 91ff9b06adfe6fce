import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createPresigner } from './presign.mjs';
import { supervise } from './server.mjs';

/**
 * A server that an adapter stores in.
 * @typedef {object} Upstream
 * @property {string} s3_url
 * @property {string} region
 * @property {string} access_key
 * @property {string} secret_key
 * @property {() => Promise<number | null>} stop
 * @property {() => Promise<void>} kill
 */

const READY_TIMEOUT_MS = 60_000;
const POLL_INTERVAL_MS = 50;

/**
 * A program of somebody else's, its output kept in `NAME.log` in the folder.
 * @param {{ name: string, binary: string, args: readonly string[], folder: string, env?: NodeJS.ProcessEnv }} options
 */
export function startProgram({ name, binary, args, folder, env = {} }) {
  const log_file = join(folder, `${name}.log`);
  const child = spawn(binary, [...args], {
    cwd: folder,
    env: { ...process.env, HOME: folder, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { child, log_file, ...supervise(child, log_file) };
}

/**
 * Waits until `attempt` succeeds. Kills the program and fails with its log when it takes too long, or ends.
 * @param {ReturnType<typeof startProgram>} program
 * @param {() => Promise<boolean>} attempt
 */
export async function untilReady(program, attempt) {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (!(await attempt().catch(() => false))) {
    if (Date.now() > deadline || program.child.exitCode !== null) {
      await program.kill();
      const log = await readFile(program.log_file, 'utf8').catch(() => '');
      throw new Error(`${program.log_file}: not ready\n${log.slice(-4_000)}`);
    }
    await delay(POLL_INTERVAL_MS);
  }
}

/**
 * Whether it lists buckets for these credentials.
 * @param {{ s3_url: string, region: string, access_key: string, secret_key: string }} server
 */
export async function answers({ s3_url, region, access_key, secret_key }) {
  const presign = createPresigner(s3_url, { access_key, secret_key, region });
  const answer = await fetch(`${s3_url}${presign('GET', '/')}`);
  await answer.arrayBuffer();
  return answer.status === 200;
}
