import { expect, it } from 'vitest';
import { configSchema } from '../../config/schema.js';
import { decoratorOptions } from './settings.js';

it('the configuration says what stands around an adapter', () => {
  const parse = (disk: object) =>
    decoratorOptions(configSchema.parse({ adapters: { disk } }).adapters.disk ?? {});
  expect(parse({ type: 'local', path: 'x' })).toEqual({});
  const options = parse({
    type: 'local',
    path: 'x',
    retry: {},
    concurrency_max: 7,
    bandwidth_limit_mbps: 80,
    cache: { memory_mb: 2, trust_ms: 50, disk_folder: 'y' },
  });
  expect(options).toMatchObject({
    retry: { attempts_max: 3, budget_percent: 10 },
    concurrency: { calls_max: 7 },
    cache: {
      memory_bytes_max: 2_000_000,
      object_bytes_max: 1_000_000,
      trust_ms: 50,
      disk: { folder: 'y', bytes_max: 1_024_000_000 },
    },
  });
  expect(options.bandwidth).toBeDefined();
});
