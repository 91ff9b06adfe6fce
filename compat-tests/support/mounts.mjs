import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { toolPath } from '../install/install.mjs';
import { startGarage } from './garage.mjs';
import { startMinio } from './minio.mjs';
import { startVersitygw } from './versitygw.mjs';

/**
 * A kind of storage under a node of ours.
 * @typedef {'local' | 'minio' | 'versitygw' | 'garage'} MountName
 *
 * @typedef {object} Mount
 * @property {MountName} name
 * @property {Record<string, unknown>} config what a node's configuration says of it: all buckets lie there
 * @property {() => Promise<unknown>} stop
 */

/** @type {readonly MountName[]} */
export const MOUNT_NAMES = ['local', 'minio', 'versitygw', 'garage'];

const STARTERS = {
  minio: async (/** @type {{ binary: string, folder: string }} */ options) => ({
    ...(await startMinio(options)),
    region: 'us-east-1',
  }),
  versitygw: startVersitygw,
  garage: startGarage,
};

/**
 * Starts the real server that a mount stores in; `local` needs none.
 * @param {MountName} name
 * @param {string} folder
 * @returns {Promise<Mount>}
 */
export async function startMount(name, folder) {
  if (name === 'local') return { name, config: {}, stop: async () => {} };
  const own = join(folder, name);
  await mkdir(own, { recursive: true });
  const { s3_url, region, access_key, secret_key, stop } = await STARTERS[name]({
    binary: toolPath(name),
    folder: own,
  });
  const kind = name === 'minio' ? { type: 'minio' } : { type: 's3', provider: name };
  return {
    name,
    config: {
      adapters: { upstream: { ...kind, endpoint: s3_url, region, access_key, secret_key } },
      mounts: [{ buckets: '*', adapter: 'upstream' }],
    },
    stop,
  };
}
