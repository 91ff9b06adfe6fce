import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { afterAll } from 'vitest';
import { describeAdapter } from '../../adapters/conformance/suite.js';
import { createBandwidth } from '../../adapters/decorators/bandwidth.js';
import { createCallStats } from '../../adapters/decorators/call-stats.js';
import type { DecoratorOptions } from '../../adapters/decorators/stack.js';
import { openAdapter } from '../../adapters/open.js';
import { describeUpstream } from '../support/describe-upstream.js';
import { temporaryFolder } from '../support/temp.mjs';
import { entryOf, startMinioUpstream } from './entries.js';

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

async function cacheFolder(): Promise<string> {
  const folder = await temporaryFolder('compat-cache');
  folders.push(folder);
  return folder;
}

/** Limits that are there but out of the way, and a cache that trusts itself: what it does not forget in time is seen. */
const DECORATORS: Readonly<Record<string, () => DecoratorOptions | Promise<DecoratorOptions>>> = {
  retry: () => ({
    retry: { attempts_max: 3, delay_ms: 10, delay_ms_max: 1_000, budget_percent: 10, burst: 10 },
  }),
  'a limit of concurrency': () => ({ concurrency: { calls_max: 64 } }),
  'a limit of bandwidth': () => ({ bandwidth: createBandwidth(100_000) }),
  'a read cache in memory': () => ({
    cache: { memory_bytes_max: 64_000_000, object_bytes_max: 1_000_000, trust_ms: 60_000 },
  }),
  'a read cache on a disk': async () => ({
    cache: {
      memory_bytes_max: 600_000,
      object_bytes_max: 500_000,
      trust_ms: 60_000,
      disk: { folder: await cacheFolder(), bytes_max: 5_000_000 },
    },
  }),
  encryption: () => ({
    encryption: {
      current: 'one',
      keys: new Map([['one', randomBytes(32)]]),
      records_bucket: 'backup-node-parts',
    },
  }),
  metrics: () => ({ observer: createCallStats().observer }),
};

/** Nothing of the contract is lost on the way through a decorator, over a server that answers when it likes. */
describeUpstream('minio', startMinioUpstream, (upstream) => {
  for (const [name, options] of Object.entries(DECORATORS)) {
    describeAdapter(`${name} over the minio adapter`, async () => {
      const entry = { ...entryOf('minio', 'minio', upstream()), decorators: await options() };
      const adapter = await openAdapter(entry);
      return { adapter, close: () => adapter.close() };
    });
  }
});
