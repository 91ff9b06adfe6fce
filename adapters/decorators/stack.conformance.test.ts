import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { describeAdapter } from '../conformance/suite.js';
import { openInFreshFolder } from '../local/testing/open-in-fresh-folder.js';
import { createBandwidth } from './bandwidth.js';
import { createCallStats } from './call-stats.js';
import { decorated } from './stack.js';

const folder = join(tmpdir(), `backup-node-stack-conformance-${process.pid}`);
let opened = 0;
afterAll(() => rm(folder, { recursive: true, force: true }));

/**
 * All that leave contents as they are, together; each alone runs in compat-tests/adapters, over MinIO too. Limits are there but
 * out of the way. The cache has so little memory that the disk is used, and so much trust that what it does not forget in
 * time is seen.
 */
describeAdapter('a read cache, retry, concurrency, bandwidth and metrics over the local adapter', () =>
  openInFreshFolder((adapter) =>
    decorated(adapter, {
      observer: createCallStats().observer,
      concurrency: { calls_max: 64 },
      retry: { attempts_max: 3, delay_ms: 10, delay_ms_max: 1_000, budget_percent: 10, burst: 10 },
      bandwidth: createBandwidth(100_000),
      cache: {
        memory_bytes_max: 600_000,
        object_bytes_max: 500_000,
        trust_ms: 60_000,
        disk: { folder: join(folder, String(opened++)), bytes_max: 5_000_000 },
      },
    }),
  ),
);
