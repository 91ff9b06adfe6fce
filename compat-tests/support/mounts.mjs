import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { toolPath } from '../install/install.mjs';
import { startGarage } from './garage.mjs';
import { startMinio } from './minio.mjs';
import { startVersitygw } from './versitygw.mjs';

/**
 * A kind of storage under a node of ours.
 * @typedef {'local' | 'minio' | 'versitygw' | 'garage' | 'generic'} MountName
 * @typedef {keyof typeof FEATURES} Feature what some storage lacks
 *
 * @typedef {object} Mount
 * @property {MountName} name
 * @property {{ adapters?: Record<string, object>, mounts?: object[] }} config what a node's configuration says of it:
 *   all buckets lie there
 * @property {{ s3_url: string, access_key: string, secret_key: string } | null} upstream the server itself
 * @property {() => Promise<unknown>} stop
 */

/** @type {readonly MountName[]} */
export const MOUNT_NAMES = ['local', 'minio', 'versitygw', 'garage', 'generic'];

/** Whose server stands under the mount: `generic` is a MinIO of which nothing is known. @param {MountName} mount */
export const serverOf = (mount) => (mount === 'generic' ? 'minio' : mount);

/** By the adapters' words for it: capabilities, rules for keys, and deviations. */
const FEATURES = {
  versioning: 'versions of objects',
  tagging: 'tags',
  conditional_put: 'conditional writes',
  kept_checksums: 'checksums of its own',
  empty_parts: 'empty parts of uploads',
  any_tags: 'tags beyond ASCII',
  key_rules: 'rules for keys that the node knows',
  nested: 'both `a` and `a/b`',
  any_segments: 'keys with empty segments or dot segments',
  leading_slash: 'keys with a slash before them',
  long_segments: 'keys with segments of more than 255 bytes',
  long_keys: 'keys of more than 471 bytes',
  folder_content: 'content in keys with a slash behind them',
  any_characters: 'keys with characters that XML cannot carry',
};

/**
 * What the adapter of each mount declares that its upstream lacks. Tests that need it are skipped there, with this as the
 * reason; mounts.test.ts sees that the node refuses it.
 * @type {Readonly<Record<MountName, readonly Feature[]>>}
 */
const LACKS = {
  local: [],
  minio: ['any_tags', 'nested', 'any_segments', 'leading_slash', 'long_segments'],
  versitygw: [
    'versioning',
    'nested',
    'any_segments',
    'leading_slash',
    'long_segments',
    'folder_content',
    'any_characters',
  ],
  garage: [
    'versioning',
    'tagging',
    'any_tags',
    'conditional_put',
    'empty_parts',
    'leading_slash',
    'long_keys',
  ],
  generic: [
    'versioning',
    'tagging',
    'any_tags',
    'conditional_put',
    'kept_checksums',
    'key_rules',
    'nested',
    'any_segments',
    'leading_slash',
    'long_segments',
    'any_characters',
  ],
};

/** @type {readonly Feature[]} */
export const LACKABLE = /** @type {Feature[]} */ (Object.keys(FEATURES));

/** @param {MountName} mount @param {Feature} feature */
export function lacks(mount, feature) {
  return LACKS[mount].includes(feature);
}

/**
 * Why a test that needs these cannot run over the mount; null where it can.
 * @param {MountName} mount @param {readonly Feature[]} features
 */
export function reasonToSkip(mount, features) {
  const missing = features.filter((feature) => lacks(mount, feature));
  return missing.length === 0
    ? null
    : `${mount} has no ${missing.map((name) => FEATURES[name]).join(', no ')}`;
}

const SEGMENT_BYTES_MAX = 255;
const KEY_BYTES_MAX = 471;

/** What a storage must have for a key. @param {string} key @returns {Feature[]} */
export function featuresOfKey(key) {
  const inner = key.replace(/^\/|\/$/g, '').split('/');
  /** @type {[Feature, boolean][]} */
  const needed = [
    ['leading_slash', key.startsWith('/')],
    ['folder_content', key.endsWith('/')],
    ['any_segments', inner.some((segment) => segment === '' || segment === '.' || segment === '..')],
    ['long_segments', inner.some((segment) => Buffer.byteLength(segment) > SEGMENT_BYTES_MAX)],
    ['long_keys', Buffer.byteLength(key) > KEY_BYTES_MAX],
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is meant
    ['any_characters', /[\x00-\x08\x0b\x0c\x0e-\x1f]/.test(key)],
  ];
  return needed.filter(([, is]) => is).map(([feature]) => feature);
}

/** @param {{ binary: string, folder: string }} options */
const startMinioServer = async (options) => ({ ...(await startMinio(options)), region: 'us-east-1' });

const STARTERS = {
  minio: startMinioServer,
  versitygw: startVersitygw,
  garage: startGarage,
  generic: startMinioServer,
};

/**
 * Starts the real server that a mount stores in; `local` needs none.
 * @param {MountName} name
 * @param {string} folder
 * @returns {Promise<Mount>}
 */
export async function startMount(name, folder) {
  if (name === 'local') return { name, config: {}, upstream: null, stop: async () => {} };
  const own = join(folder, name);
  await mkdir(own, { recursive: true });
  const { s3_url, region, access_key, secret_key, stop } = await STARTERS[name]({
    binary: toolPath(serverOf(name)),
    folder: own,
  });
  const kind = name === 'minio' ? { type: 'minio' } : { type: 's3', provider: name };
  return {
    name,
    config: {
      adapters: { upstream: { ...kind, endpoint: s3_url, region, access_key, secret_key } },
      mounts: [{ buckets: '*', adapter: 'upstream' }],
    },
    upstream: { s3_url, access_key, secret_key },
    stop,
  };
}
