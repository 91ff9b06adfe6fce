import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, inject, test } from 'vitest';
import { toolPath } from '../install/install.mjs';
import { installedPath } from './installed.js';
import { startMinio } from './minio.mjs';
import {
  type Feature,
  featuresOfKey,
  type Mount,
  type MountName,
  reasonToSkip,
  serverOf,
  startMount,
} from './mounts.mjs';
import { startNode } from './node.mjs';
import { type RunOptions, type RunResult, run } from './process.mjs';
import type { Server } from './server.mjs';
import { temporaryFolder } from './temp.mjs';

/** Under this domain the server answers virtual-host addresses; clients resolve it to loopback themselves. */
export const DOMAIN = 's3.compat.test';

/** As vitest's `test`, or a test that is skipped with its reason. */
type Test = (name: string, body: () => unknown) => void;

export interface ClientContext {
  readonly server: Server;
  /** What the node stores in. */
  readonly mount: MountName;
  /** The server that the mount stores in. */
  readonly upstream: NonNullable<Mount['upstream']>;
  /** Fresh, writable, also HOME of the programs that run. */
  readonly folder: string;
  /** Runs an installed program with the environment the AWS tools read, and nothing of the developer's own. */
  run(tool: string, args: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** For tests of what not every storage has. */
  needing(...features: readonly Feature[]): Test;
  /** One test for each key; keys that the storage cannot hold are skipped with the reason. */
  eachKey(keys: readonly string[], body: (key: string) => unknown): void;
  /** Those of the keys that the storage can hold. */
  storable(keys: readonly string[]): string[];
}

interface ClientOptions {
  /** Names of the programs needed (see compat-tests/install). */
  readonly tools: readonly string[];
  readonly config?: Record<string, unknown>;
  /** The script speaks the shard API: no other server has that. */
  readonly shard_api?: boolean;
  /** The script runs once for each of these storages under the node. Default: local. */
  readonly mounts?: readonly MountName[];
  /** A pattern: buckets that lie on the node's own disk all the same. */
  readonly local_buckets?: string;
}

type Running = Server & { readonly upstream: Mount['upstream']; stopAll(): Promise<void> };

function storageConfig({ config }: Mount, folder: string, local_buckets: string | undefined) {
  if (local_buckets === undefined) return config;
  return {
    adapters: { ...config.adapters, disk: { type: 'local', path: join(folder, 'disk') } },
    mounts: [{ buckets: local_buckets, adapter: 'disk' }, ...(config.mounts ?? [])],
  };
}

async function startServer(folder: string, mount: MountName, options: ClientOptions): Promise<Running> {
  // The scripts themselves are proved right by running them against another server.
  if (process.env.COMPAT_SERVER === 'minio') {
    const binary = process.env.MINIO_BIN ?? toolPath('minio');
    const server = await startMinio({ binary, folder, domain: DOMAIN });
    return { ...server, upstream: null, stopAll: async () => void (await server.stop()) };
  }
  const storage = await startMount(mount, folder);
  try {
    const where = storageConfig(storage, folder, options.local_buckets);
    const config = { s3: { domains: [DOMAIN] }, ...where, ...options.config };
    const server = await startNode({ folder, config });
    const stopAll = async () => {
      await server.stop();
      await storage.stop();
    };
    return { ...server, upstream: storage.upstream, stopAll };
  } catch (cause) {
    await storage.stop();
    throw cause;
  }
}

/**
 * A `describe` with its own server for one client over each mount. Where a program is missing the tests are skipped with
 * the reason; with CI=true that is a failure.
 */
export function describeClient(
  name: string,
  options: ClientOptions,
  body: (context: ClientContext) => void,
): void {
  const given: MountName | undefined = process.env.COMPAT_SERVER === 'minio' ? 'minio' : undefined;
  for (const mount of given === undefined ? (options.mounts ?? ['local']) : [given]) {
    const over = mount === 'local' || given !== undefined ? name : `${name} over ${mount}`;
    describeOver(mount, over, options, body);
  }
}

function describeOver(
  mount: MountName,
  name: string,
  options: ClientOptions,
  body: (context: ClientContext) => void,
): void {
  const installed = inject('installed');
  for (const tool of mount === 'local' ? options.tools : [...options.tools, serverOf(mount)]) {
    if (installedPath(tool, name) === undefined) return;
  }
  const ours = options.shard_api === true || options.local_buckets !== undefined;
  if (ours && process.env.COMPAT_SERVER === 'minio') return;
  describe(name, () => {
    let server: Running | undefined;
    let folder = '';
    beforeAll(async () => {
      folder = await temporaryFolder(`compat-${name.replaceAll(/\W+/g, '-')}`);
      server = await startServer(folder, mount, options);
    });
    let failed = false;
    afterEach(({ task }) => {
      if (task.result?.state === 'fail') failed = true;
    });
    afterAll(async () => {
      await server?.stopAll();
      if (failed) console.log(`${name}: kept ${folder}`);
      else await rm(folder, { recursive: true, force: true });
    });
    body({
      get server() {
        if (server === undefined) throw new Error('the server runs only while tests run');
        return server;
      },
      get folder() {
        return folder;
      },
      mount,
      get upstream() {
        if (server?.upstream == null) throw new Error('no other server is behind the node');
        return server.upstream;
      },
      needing: (...features) => testNeeding(mount, features),
      eachKey(keys, of_key) {
        for (const key of keys) testNeeding(mount, featuresOfKey(key))(key, () => of_key(key));
      },
      storable: (keys) => keys.filter((key) => reasonToSkip(mount, featuresOfKey(key)) === null),
      run(tool, args, run_options = {}) {
        const entry = installed[tool];
        const program = entry !== undefined && 'path' in entry ? entry.path : tool;
        const env = { ...clientEnvironment(this.server, folder), ...run_options.env };
        return run(program, args, { cwd: folder, ...run_options, env });
      },
    });
  });
}

function testNeeding(mount: MountName, features: readonly Feature[]): Test {
  const reason = reasonToSkip(mount, features);
  if (reason === null) return test;
  return (name) => {
    test(name, ({ skip }) => skip(reason));
  };
}

function clientEnvironment(server: Server, folder: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOME: folder,
    LANG: 'C.UTF-8',
    PYTHONIOENCODING: 'utf-8',
    NO_PROXY: '*',
    AWS_ACCESS_KEY_ID: server.access_key,
    AWS_SECRET_ACCESS_KEY: server.secret_key,
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_REGION: 'us-east-1',
    AWS_ENDPOINT_URL: server.s3_url,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_MAX_ATTEMPTS: '1',
    AWS_PAGER: '',
  };
}
