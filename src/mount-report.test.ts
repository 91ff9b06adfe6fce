import { expect, it } from 'vitest';
import type { Adapter } from '../adapters/contract/index.js';
import { configSchema } from '../config/schema.js';
import { mountStates } from './mount-report.js';
import { createMountHealth, type MountEvent } from './objects/mount-health.js';
import { createMounts } from './objects/mounts.js';
import type { ObjectStore } from './objects/store.js';

it('a mount that fails as none should is shown so, beside the others, without what it said or where it lies', async () => {
  const config = configSchema.parse({
    storage_path: '/somewhere/secret',
    adapters: {
      broken: { type: 'local', path: '/somewhere/broken' },
      disk: { type: 'local', path: '/somewhere/secret' },
    },
    mounts: [
      { buckets: 'broken-*', adapter: 'broken' },
      { buckets: '*', adapter: 'disk' },
    ],
  });
  const adapter = (name: string, listBuckets: () => Promise<unknown>) =>
    ({ name, capabilities: { usage: false }, listBuckets }) as unknown as Adapter;
  const mounts = createMounts([
    {
      pattern: 'broken-*',
      adapter: adapter('broken', () => Promise.reject(new TypeError('no /somewhere/broken/db'))),
    },
    { pattern: '*', adapter: adapter('disk', async () => ({ buckets: [], next: null })) },
  ]);
  const events: MountEvent[] = [];
  const health = createMountHealth({ onEvent: (event) => void events.push(event) });
  const states = await mountStates(config, { mounts, health } as ObjectStore);
  expect(states.map(({ buckets, available, error }) => [buckets, available, error])).toEqual([
    ['broken-*', false, 'unexpected'],
    ['*', true, null],
  ]);
  expect(JSON.stringify(states)).not.toContain('somewhere');
  expect(events).toMatchObject([{ type: 'mount_down', mount: 'broken-*' }]);
});
