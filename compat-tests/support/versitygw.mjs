import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from './ports.mjs';
import { answers, startProgram, untilReady } from './upstream.mjs';

/**
 * A versitygw over a folder, on loopback.
 * @param {{ binary: string, folder: string }} options
 * @returns {Promise<import('./upstream.mjs').Upstream>}
 */
export async function startVersitygw({ binary, folder }) {
  const data = join(folder, 'data');
  await mkdir(data, { recursive: true });
  const port = await freePort();
  const server = {
    s3_url: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    access_key: `AK${randomBytes(8).toString('hex').toUpperCase()}`,
    secret_key: randomBytes(20).toString('hex'),
  };
  const program = startProgram({
    name: 'versitygw',
    binary,
    args: ['--port', `127.0.0.1:${port}`, '--keep-alive', '--quiet', 'posix', data],
    folder,
    env: { ROOT_ACCESS_KEY: server.access_key, ROOT_SECRET_KEY: server.secret_key },
  });
  await untilReady(program, () => answers(server));
  return { ...server, stop: program.stop, kill: program.kill };
}
