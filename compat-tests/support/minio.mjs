import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from './ports.mjs';
import { answers, startProgram, untilReady } from './upstream.mjs';

/** @typedef {import('./server.mjs').Server} Server */

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
  const s3_url = `http://${address}`;
  const program = startProgram({
    name: 'minio',
    binary,
    args: [
      'server',
      '--address',
      address,
      '--console-address',
      `127.0.0.1:${console_port}`,
      join(folder, 'data'),
    ],
    folder,
    env: {
      MINIO_ROOT_USER: access_key,
      MINIO_ROOT_PASSWORD: secret_key,
      ...(domain === undefined ? {} : { MINIO_DOMAIN: domain }),
    },
  });
  // It answers its health probe before it can serve.
  await untilReady(program, () => answers({ s3_url, region: 'us-east-1', access_key, secret_key }));
  return {
    name: 'MinIO',
    pid: program.child.pid ?? 0,
    s3_url,
    api_url: null,
    access_key,
    secret_key,
    log_file: program.log_file,
    stop: program.stop,
    kill: program.kill,
  };
}
