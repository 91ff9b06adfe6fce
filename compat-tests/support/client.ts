import { rm } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, inject, test } from 'vitest';
import { toolPath } from '../install/install.mjs';
import { startMinio } from './minio.mjs';
import { startNode } from './node.mjs';
import { type RunOptions, type RunResult, run } from './process.mjs';
import type { Server } from './server.mjs';
import { temporaryFolder } from './temp.mjs';

/** Under this domain the server answers virtual-host addresses; clients resolve it to loopback themselves. */
export const DOMAIN = 's3.compat.test';

export interface ClientContext {
  readonly server: Server;
  /** Fresh, writable, also HOME of the programs that run. */
  readonly folder: string;
  /** Runs an installed program with the environment the AWS tools read, and nothing of the developer's own. */
  run(tool: string, args: readonly string[], options?: RunOptions): Promise<RunResult>;
}

interface ClientOptions {
  /** Names of the programs needed (see compat-tests/install). */
  readonly tools: readonly string[];
  readonly config?: Record<string, unknown>;
  /** The script speaks the shard API: no other server has that. */
  readonly shard_api?: boolean;
}

function startServer(folder: string, config: Record<string, unknown> | undefined): Promise<Server> {
  // The scripts themselves are proved right by running them against another server.
  if (process.env.COMPAT_SERVER === 'minio') {
    const binary = process.env.MINIO_BIN ?? toolPath('minio');
    return startMinio({ binary, folder, domain: DOMAIN });
  }
  return startNode({ folder, config: { s3: { domains: [DOMAIN] }, ...config } });
}

/**
 * A `describe` with its own server, for one client. Where a program is missing the tests are skipped with
 * the reason; with CI=true that is a failure.
 */
export function describeClient(
  name: string,
  options: ClientOptions,
  body: (context: ClientContext) => void,
): void {
  const installed = inject('installed');
  for (const tool of options.tools) {
    const entry = installed[tool];
    if (entry !== undefined && 'path' in entry) continue;
    const reason = `${tool} is not installed: ${entry?.reason ?? 'not asked for'}`;
    const missing = process.env.CI === 'true' ? test : test.skip;
    missing(`${name}: ${reason}`, () => {
      throw new Error(reason);
    });
    return;
  }
  if (options.shard_api === true && process.env.COMPAT_SERVER === 'minio') return;
  describe(name, () => {
    let server: Server | undefined;
    let folder = '';
    beforeAll(async () => {
      folder = await temporaryFolder(`compat-${name.replaceAll(/\W+/g, '-')}`);
      server = await startServer(folder, options.config);
    });
    let failed = false;
    afterEach(({ task }) => {
      if (task.result?.state === 'fail') failed = true;
    });
    afterAll(async () => {
      await server?.stop();
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
      run(tool, args, run_options = {}) {
        const entry = installed[tool];
        const program = entry !== undefined && 'path' in entry ? entry.path : tool;
        const env = { ...clientEnvironment(this.server, folder), ...run_options.env };
        return run(program, args, { cwd: folder, ...run_options, env });
      },
    });
  });
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
