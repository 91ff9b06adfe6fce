import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { REPOSITORY } from './paths.mjs';
import { supervise } from './server.mjs';

/** @typedef {import('./server.mjs').Server} Server */

/**
 * @typedef {object} NodeOptions
 * @property {string} folder everything of the node lies here: configuration, storage, logs
 * @property {Record<string, unknown>} [config] the configuration file's content
 * @property {Record<string, string>} [env]
 * @property {readonly string[]} [args] further flags of `start`
 * @property {string} [access_key] root's; random without
 * @property {string} [secret_key]
 * @property {number} [ready_timeout_ms]
 */

const MAIN = join(REPOSITORY, 'dist', 'main.js');
/** As `npm start` has it. */
const NODE_FLAGS = ['--max-semi-space-size=16'];
const READY_TIMEOUT_MS = 30_000;

/** @param {string} text a line of standard output; null where it is not the ready line */
function parseReady(text) {
  if (!text.startsWith('{')) return null;
  try {
    const line = JSON.parse(text);
    return line?.event === 'ready' ? line : null;
  } catch {
    return null;
  }
}

/**
 * Waits for the line that says both doors answer.
 * @param {import('node:child_process').ChildProcess} child
 * @param {string} log_file
 * @param {number} timeout_ms
 * @returns {Promise<{ api_url: string, s3_url: string, pid: number }>}
 */
function ready(child, log_file, timeout_ms) {
  return new Promise((resolve, reject) => {
    if (child.stdout === null) throw new Error('standard output must be a pipe');
    const lines = createInterface({ input: child.stdout });
    const fail = async (/** @type {string} */ why) => {
      clearTimeout(timer);
      const log = await readFile(log_file, 'utf8').catch(() => '');
      reject(new Error(`node not ready: ${why}\n${log.slice(-4_000)}`));
    };
    const timer = setTimeout(() => fail(`no ready line after ${timeout_ms} ms`), timeout_ms);
    lines.on('line', (text) => {
      const line = parseReady(text);
      if (line === null) return;
      clearTimeout(timer);
      lines.close();
      // readline pauses its input when closed; the log still wants the rest.
      child.stdout?.resume();
      resolve(line);
    });
    child.once('error', (cause) => fail(cause.message));
    child.once('exit', (code) => fail(`exit code ${code}`));
  });
}

/**
 * Starts the built node on free loopback ports.
 * @param {NodeOptions} options
 * @returns {Promise<Server & { api_url: string, storage_path: string, exited: Promise<number | null> }>}
 */
export async function startNode(options) {
  if (!existsSync(MAIN)) throw new Error('dist/main.js is missing: run `npm run build` first');
  const access_key = options.access_key ?? `AK${randomBytes(9).toString('hex').toUpperCase()}`;
  const secret_key = options.secret_key ?? randomBytes(20).toString('hex');
  const storage_path = join(options.folder, 'storage');
  const config_file = join(options.folder, 'config.json');
  const log_file = join(options.folder, 'node.log');
  await mkdir(options.folder, { recursive: true });
  await writeFile(config_file, JSON.stringify(options.config ?? {}, null, 2));
  const flags = ['--config', config_file, '--storage-path', storage_path, '--port', '0', '--s3-port', '0'];
  const command = [...NODE_FLAGS, MAIN, 'start', ...flags, '--json', ...(options.args ?? [])];
  const child = spawn(process.execPath, command, {
    cwd: options.folder,
    env: {
      ...process.env,
      BACKUP_NODE_ROOT_ACCESS_KEY: access_key,
      BACKUP_NODE_ROOT_SECRET_KEY: secret_key,
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { exited, stop, kill } = supervise(child, log_file);
  try {
    const line = await ready(child, log_file, options.ready_timeout_ms ?? READY_TIMEOUT_MS);
    return {
      name: 'backup node',
      pid: line.pid,
      s3_url: line.s3_url,
      api_url: line.api_url,
      access_key,
      secret_key,
      storage_path,
      log_file,
      exited,
      stop,
      kill,
    };
  } catch (cause) {
    await kill();
    throw cause;
  }
}
