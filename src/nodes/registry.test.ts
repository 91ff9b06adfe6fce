import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LIMITS } from '../../config/limits.js';
import { openStateStore } from '../state/lmdb-state.js';
import type { StateStore } from '../state/store.js';
import { createNodeRegistry } from './registry.js';

let folder: string;
let state: StateStore;
let now = 1_000_000;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'registry-'));
  state = openStateStore(folder);
});
afterEach(async () => {
  await state.close();
  rmSync(folder, { recursive: true });
});

const open = () => createNodeRegistry({ state, peers: [], peer_timeout_ms: 1_000, now: () => now });
const claim = (node_id: string) => ({
  node_id,
  node_type: 'main',
  address: '127.0.0.1',
  port: 1,
  storage_capacity: 0,
});

it('remembers nodes across restarts, and when they were last seen', async () => {
  await open().register(claim('b'));
  await open().register(claim('a'));
  const again = open();
  expect(again.list().map(({ node_id, is_online }) => [node_id, is_online])).toEqual([
    ['a', true],
    ['b', true],
  ]);
  now += 1_001;
  expect(again.onlineCount()).toBe(0);
  await again.register(claim('a'));
  expect(again.list().map(({ is_online }) => is_online)).toEqual([true, false]);
  expect(again.onlineCount()).toBe(1);
});

it('forgets who was offline for longest when it is full, and takes no more when all are online', async () => {
  const registry = open();
  const ids = Array.from({ length: LIMITS.registered_nodes_max }, (_, index) => `n${index}`);
  await Promise.all(ids.map((id) => registry.register(claim(id))));
  expect(await registry.register(claim('one too many'))).toBe(false);
  expect(await registry.register(claim('n5'))).toBe(true);
  now += 1_001;
  await registry.register(claim('n0'));
  expect(await registry.register(claim('new'))).toBe(true);
  const listed = registry.list().map(({ node_id }) => node_id);
  expect(listed).toHaveLength(LIMITS.registered_nodes_max);
  expect(listed).toContain('n0');
  expect(listed).toContain('new');
});
