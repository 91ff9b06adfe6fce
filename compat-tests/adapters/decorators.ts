import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { createBandwidth } from '../../adapters/decorators/bandwidth.js';
import { createCallStats } from '../../adapters/decorators/call-stats.js';
import type { DecoratorOptions } from '../../adapters/decorators/stack.js';
import { temporaryFolder } from '../support/temp.mjs';

const folders: string[] = [];

export async function newFolder(purpose: string): Promise<string> {
  const folder = await temporaryFolder(`compat-${purpose}`);
  folders.push(folder);
  return folder;
}

export async function removeFolders(): Promise<void> {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
}

const encryption = () => ({
  current: 'one',
  keys: new Map([['one', randomBytes(32)]]),
  records_bucket: 'backup-node-parts',
});

const compression = async () => ({
  level: 1,
  spool: { folder: await newFolder('spool'), bytes_max: 1_000_000_000 },
  records_bucket: 'backup-node-gzip-parts',
});

/** However small it is, and however little that saves. */
const compressionOfAll = async () => ({
  ...(await compression()),
  object_bytes_min: 0,
  stored_percent_max: Number.POSITIVE_INFINITY,
});

type Decorators = Readonly<Record<string, () => DecoratorOptions | Promise<DecoratorOptions>>>;

/** They store contents in another form than clients see, and keep records of their own beside them. */
export const RECODING: Decorators = {
  encryption: () => ({ encryption: encryption() }),
  'compression of all': async () => ({ compression: await compressionOfAll() }),
  'compression where it helps, and encryption': async () => ({
    compression: await compression(),
    encryption: encryption(),
  }),
};

/** Limits that are there but out of the way, and a cache that trusts itself: what it does not forget in time is seen. */
export const DECORATORS: Decorators = {
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
      disk: { folder: await newFolder('cache'), bytes_max: 5_000_000 },
    },
  }),
  ...RECODING,
  metrics: () => ({ observer: createCallStats().observer }),
};
