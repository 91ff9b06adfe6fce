import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { configSchema } from '../config/schema.js';
import { openStorage, type Storage } from './storage.js';

let folder: string;
let storage: Storage | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'decorated-'));
});
afterEach(async () => {
  await storage?.close();
  storage = undefined;
  rmSync(folder, { recursive: true });
});

async function openWith(keys: object, env: Record<string, string> = {}): Promise<Storage> {
  const disk = { type: 'local', path: join(folder, 'disk'), ...keys };
  const config = configSchema.parse({ storage_path: folder, adapters: { disk } });
  storage = await openStorage({ config, env, on_fatal: () => {} });
  return storage;
}

it('a node puts around an adapter what its configuration asks for, and counts the calls', async () => {
  const encryption = { key_id: 'one', keys: { one: { env: 'KEY_ONE' } } };
  const limits = { retry: {}, concurrency_max: 4, bandwidth_limit_mbps: 10_000 };
  const keys = { ...limits, cache: {}, encryption, compression: {} };
  const { store, adapters, adapter_stats } = await openWith(keys, { KEY_ONE: '7f'.repeat(32) });
  await store.createBucket({ bucket: 'bucket', owner: 'me' });
  const body = Buffer.from('content');
  await store.putObject({ bucket: 'bucket', key: 'key', body, size_bytes: body.length });
  const { info, body: read } = await store.getObject({ bucket: 'bucket', key: 'key' });
  expect(Buffer.from(read as Uint8Array).toString()).toBe('content');
  expect(info.size_bytes).toBe(7);
  expect(existsSync(join(folder, 'spool', 'disk'))).toBe(true);
  expect(adapter_stats.render()).toContain(
    'backup_node_adapter_calls_total{adapter="disk",method="putObject",result="ok"} 1',
  );
  // Sums of encrypted sizes say nothing.
  expect(adapters.get('disk')?.capabilities.usage).toBe(false);
});

it('an adapter that nothing stands around is not counted', async () => {
  const { store, adapter_stats } = await openWith({});
  await store.createBucket({ bucket: 'bucket', owner: 'me' });
  expect(adapter_stats.render()).toEqual([]);
});

it('a key that is not there stops the start', async () => {
  const encryption = { key_id: 'one', keys: { one: { env: 'KEY_ONE' } } };
  await expect(openWith({ encryption })).rejects.toThrow(/KEY_ONE/);
});
