import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { configSchema } from '../../config/schema.js';
import { decoratorOptions } from './settings.js';

const parse = (disk: object, env = {}) =>
  decoratorOptions('disk', configSchema.parse({ adapters: { disk } }).adapters.disk ?? {}, {
    env,
    storage_path: 'data',
  });

it('the configuration says what stands around an adapter', () => {
  expect(parse({ type: 'local', path: 'x' })).toEqual({});
  const options = parse({
    type: 'local',
    path: 'x',
    retry: {},
    concurrency_max: 7,
    bandwidth_limit_mbps: 80,
    cache: { memory_mb: 2, trust_ms: 50, disk_folder: 'y' },
    compression: { spool_mb: 10 },
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
    compression: { level: 3, spool: { folder: join('data', 'spool', 'disk'), bytes_max: 10_000_000 } },
  });
  expect(options.bandwidth).toBeDefined();
});

it('keys come from the environment or from files, and missing ones stop the start', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'backup-node-keys-'));
  const file = join(folder, 'key');
  await writeFile(file, `${'ab'.repeat(32)}\n`);
  const encryption = { key_id: 'two', keys: { one: { env: 'KEY_ONE' }, two: { file } } };
  const disk = { type: 'local', path: 'x', encryption };
  const options = parse(disk, { KEY_ONE: '01'.repeat(32) });
  expect(options.encryption?.current).toBe('two');
  expect(options.encryption?.keys).toEqual(
    new Map([
      ['one', Buffer.alloc(32, 1)],
      ['two', Buffer.alloc(32, 0xab)],
    ]),
  );
  for (const KEY_ONE of [undefined, '', 'short']) {
    expect(() => parse(disk, { KEY_ONE })).toThrow(/adapters\.disk\.encryption\.keys\.one: .*KEY_ONE/);
  }
  await rm(folder, { recursive: true });
  expect(() => parse(disk, { KEY_ONE: '01'.repeat(32) })).toThrow(/keys\.two/);
  expect(() => parse({ ...disk, encryption: { ...encryption, key_id: 'three' } })).toThrow(/key_id/);
  const compression = { records_bucket: 'backup-node-parts' };
  expect(() => parse({ ...disk, compression })).toThrow(/records_bucket/);
});
