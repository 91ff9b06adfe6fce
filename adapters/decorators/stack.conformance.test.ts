import { describeAdapter } from '../conformance/suite.js';
import { openInFreshFolder } from '../local/testing/open-in-fresh-folder.js';
import { createBandwidth } from './bandwidth.js';
import { createCallStats } from './call-stats.js';
import { decorated } from './stack.js';

/** Limits that are there but out of the way: what is tested is that nothing of the contract is lost. */
describeAdapter('retry, concurrency, bandwidth and metrics over the local adapter', () =>
  openInFreshFolder((adapter) =>
    decorated(adapter, {
      observer: createCallStats().observer,
      concurrency: { calls_max: 64 },
      retry: { attempts_max: 3, delay_ms: 10, delay_ms_max: 1_000, budget_percent: 10, burst: 10 },
      bandwidth: createBandwidth(100_000),
    }),
  ),
);
