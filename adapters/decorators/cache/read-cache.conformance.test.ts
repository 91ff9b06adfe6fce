import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { describeAdapter } from '../../conformance/suite.js';
import { openInFreshFolder } from '../../local/testing/open-in-fresh-folder.js';
import { decorated } from '../stack.js';

const folder = join(tmpdir(), `backup-node-cache-conformance-${process.pid}`);
let opened = 0;
afterAll(() => rm(folder, { recursive: true, force: true }));

/** So little memory that the disk is used, and so much trust that what is not forgotten in time is seen. */
describeAdapter('the read cache over the local adapter', () =>
  openInFreshFolder((adapter) =>
    decorated(adapter, {
      cache: {
        memory_bytes_max: 600_000,
        object_bytes_max: 500_000,
        trust_ms: 60_000,
        disk: { folder: join(folder, String(opened++)), bytes_max: 5_000_000 },
      },
    }),
  ),
);
