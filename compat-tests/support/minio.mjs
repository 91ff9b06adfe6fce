import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './ports.mjs';
import { createPresigner } from './presign.mjs';
import { supervise } from './server.mjs';

/** @typedef {import('./server.mjs').Server} Server */

const READY_TIMEOUT_MS = 60_000;
const POLL_INTERVAL_MS = 20;

/**
 * Starts a MinIO on loopback with its default, durable settings: what the benchmark compares with, and
 * what a client script is proved right against.
 * @param {{ binary: string, folder: string, domain?: string, like?: { s3_url: string, access_key: string, secret_key: string } }} options
 *   `like`: the server that ran on this folder before; its address and keys are kept
 * @returns {Promise<Server>}
 */
export async function startMinio({ binary, folder, domain, like }) {
  await mkdir(folder, { recursive: true });
  const access_key = like?.access_key ?? `AK${randomBytes(8).toString('hex').toUpperCase()}`;
  const secret_key = like?.secret_key ?? randomBytes(20).toString('hex');
  const port = like === undefined ? await freePort() : Number(new URL(like.s3_url).port);
  const console_port = await freePort();
  const address = `127.0.0.1:${port}`;
  const log_file = join(folder, 'minio.log');
  const child = spawn(
    binary,
    ['server', '--address', address, '--console-address', `127.0.0.1:${console_port}`, join(folder, 'data')],
    {
      cwd: folder,
      env: {
        ...process.env,
        HOME: folder,
        MINIO_ROOT_USER: access_key,
        MINIO_ROOT_PASSWORD: secret_key,
        ...(domain === undefined ? {} : { MINIO_DOMAIN: domain }),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const { stop, kill } = supervise(child, log_file);
  const s3_url = `http://${address}`;
  const presign = createPresigner(s3_url, { access_key, secret_key });
  const deadline = Date.now() + READY_TIMEOUT_MS;
  for (;;) {
    // It answers its health probe before it can serve.
    const answer = await fetch(`${s3_url}${presign('GET', '/')}`).catch(() => null);
    if (answer?.status === 200) break;
    if (Date.now() > deadline || child.exitCode !== null) {
      await kill();
      throw new Error(`MinIO not ready\n${await readFile(log_file, 'utf8').catch(() => '')}`);
    }
    await delay(POLL_INTERVAL_MS);
  }
  return {
    name: 'MinIO',
    pid: child.pid ?? 0,
    s3_url,
    api_url: null,
    access_key,
    secret_key,
    log_file,
    stop,
    kill,
  };
}
