import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { afterAll } from 'vitest';
import { describeAdapter, describeIntegrity } from '../../adapters/conformance/suite.js';
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

async function newFolder(purpose: string): Promise<string> {
  const folder = await temporaryFolder(`compat-${purpose}`);
  folders.push(folder);
  return folder;
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

type Options = () => DecoratorOptions | Promise<DecoratorOptions>;

/** Limits that are there but out of the way, and a cache that trusts itself: what it does not forget in time is seen. */
const DECORATORS: Readonly<Record<string, Options>> = {
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
  encryption: () => ({ encryption: encryption() }),
  'compression of all': async () => ({ compression: await compressionOfAll() }),
  'compression where it helps, and encryption': async () => ({
    compression: await compression(),
    encryption: encryption(),
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

/**
 * A provider without checksums: bodies are verified all the same. Encryption keeps checksums itself, and so does compression
 * of what it compresses.
 */
describeUpstream('minio', startMinioUpstream, (upstream) => {
  const over: Readonly<Record<string, Options>> = {
    'the adapter itself': () => ({}),
    encryption: () => ({ encryption: encryption() }),
    'compression where it helps': async () => ({ compression: await compression() }),
  };
  for (const [name, options] of Object.entries(over)) {
    describeIntegrity(`${name} over a generic upstream`, async () => {
      const entry = { ...entryOf('s3', 'generic', upstream()), decorators: await options() };
      const adapter = await openAdapter(entry);
      return { adapter, close: () => adapter.close() };
    });
  }
});

/** The adapter itself has its runs in `npm test`, which this one would make too long. */
describeAdapter('compression of all over the local adapter', async () => {
  const path = await newFolder('local');
  const on_fatal = (error: unknown) => {
    throw error;
  };
  const decorators = { compression: await compressionOfAll() };
  const adapter = await openAdapter({ type: 'local', name: 'disk', path, on_fatal, decorators });
  return { adapter, close: () => adapter.close() };
});
