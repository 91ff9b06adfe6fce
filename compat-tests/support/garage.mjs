import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from './ports.mjs';
import { run } from './process.mjs';
import { answers, startProgram, untilReady } from './upstream.mjs';

const REGION = 'garage';

/**
 * One Garage node with a key that may create buckets, on loopback.
 * @param {{ binary: string, folder: string }} options
 * @returns {Promise<import('./upstream.mjs').Upstream>}
 */
export async function startGarage({ binary, folder }) {
  await mkdir(folder, { recursive: true });
  const [s3_port, rpc_port] = [await freePort(), await freePort()];
  const server = {
    s3_url: `http://127.0.0.1:${s3_port}`,
    region: REGION,
    access_key: `GK${randomBytes(12).toString('hex')}`,
    secret_key: randomBytes(32).toString('hex'),
  };
  const config = join(folder, 'garage.toml');
  await writeFile(config, configuration(folder, s3_port, rpc_port));
  const program = startProgram({ name: 'garage', binary, args: ['-c', config, 'server'], folder });
  /** @param {string[]} args */
  const garage = async (...args) => (await run(binary, ['-c', config, ...args])).text.trim();
  await untilReady(
    program,
    async () => (await garage('node', 'id', '-q')) !== '' && (await garage('status')) !== '',
  );
  const [node = ''] = (await garage('node', 'id', '-q')).split('@');
  await garage('layout', 'assign', '--zone', 'one', '--capacity', '10G', node);
  await garage('layout', 'apply', '--version', '1');
  await garage('key', 'import', '--yes', server.access_key, server.secret_key, '-n', 'adapter');
  await garage('key', 'allow', '--create-bucket', 'adapter');
  await untilReady(program, () => answers(server));
  return { ...server, stop: program.stop, kill: program.kill };
}

/** @param {string} folder @param {number} s3_port @param {number} rpc_port */
function configuration(folder, s3_port, rpc_port) {
  return `
metadata_dir = ${JSON.stringify(join(folder, 'meta'))}
data_dir = ${JSON.stringify(join(folder, 'data'))}
db_engine = "lmdb"
replication_factor = 1
rpc_bind_addr = "127.0.0.1:${rpc_port}"
rpc_public_addr = "127.0.0.1:${rpc_port}"
rpc_secret = "${randomBytes(32).toString('hex')}"

[s3_api]
s3_region = "${REGION}"
api_bind_addr = "127.0.0.1:${s3_port}"
`;
}
