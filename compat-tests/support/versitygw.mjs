import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from './ports.mjs';
import { run } from './process.mjs';
import { answers, startProgram, untilReady } from './upstream.mjs';

/**
 * A versitygw over a folder, on loopback. Accounts beside root may make buckets; their secret keys are that of root.
 * @param {{ binary: string, folder: string, accounts?: readonly string[] }} options
 * @returns {Promise<import('./upstream.mjs').Upstream>}
 */
export async function startVersitygw({ binary, folder, accounts = [] }) {
  const [data, iam] = [join(folder, 'data'), join(folder, 'iam')];
  for (const path of [data, iam]) await mkdir(path, { recursive: true });
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
    args: ['--port', `127.0.0.1:${port}`, '--keep-alive', '--quiet', '--iam-dir', iam, 'posix', data],
    folder,
    env: { ROOT_ACCESS_KEY: server.access_key, ROOT_SECRET_KEY: server.secret_key },
  });
  await untilReady(program, () => answers(server));
  const { s3_url, access_key, secret_key } = server;
  for (const name of accounts) {
    const admin = ['admin', '--access', access_key, '--secret', secret_key, '--endpoint-url', s3_url];
    const account = ['create-user', '--access', name, '--secret', secret_key, '--role', 'userplus'];
    await run(binary, [...admin, ...account]);
  }
  return { ...server, stop: program.stop, kill: program.kill };
}
