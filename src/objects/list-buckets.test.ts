import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OpenedAdapter } from '../../adapters/conformance/support/harness.js';
import { type Adapter, StoreError } from '../../adapters/contract/index.js';
import { forwarding } from '../../adapters/forwarding.js';
import { openInFreshFolder } from '../../adapters/local/testing/open-in-fresh-folder.js';
import { listAllBuckets } from './list-buckets.js';
import { createMountHealth, type MountEvent } from './mount-health.js';
import { createMounts } from './mounts.js';

let near: OpenedAdapter;
let far: OpenedAdapter;
/** What becomes of a listing of the far buckets. */
let far_listing: 'answers' | 'fails' | 'hangs';
let asked: number;
let events: MountEvent[];
beforeEach(async () => {
  near = await openInFreshFolder();
  far = await openInFreshFolder();
  for (const bucket of ['aaa', 'zzz']) await near.adapter.createBucket({ bucket, owner: 'me' });
  for (const bucket of ['far-a', 'far-b']) await far.adapter.createBucket({ bucket, owner: 'me' });
  far_listing = 'answers';
  asked = 0;
  events = [];
});
afterEach(async () => {
  await near.close();
  await far.close();
});

const WAIT_MS = 50;

function open() {
  const unsteady: Adapter = {
    ...forwarding(far.adapter),
    listBuckets: async (input) => {
      asked++;
      if (far_listing === 'fails') throw new StoreError('unavailable', 'down', { subject: 'adapter' });
      if (far_listing === 'hangs') await new Promise(() => undefined);
      return far.adapter.listBuckets(input);
    },
  };
  const mounts = createMounts([
    { pattern: 'far-a*', adapter: unsteady },
    { pattern: 'far-*', adapter: unsteady },
    { pattern: '*', adapter: near.adapter },
  ]);
  const patient = createMountHealth({ onEvent: (event) => events.push(event), wait_ms: 20_000 });
  const list = async () => {
    const { buckets, unavailable_mounts } = await listAllBuckets(mounts, patient, { limit: 10 });
    return [buckets.map(({ name }) => name), unavailable_mounts];
  };
  return { list, mounts, patient };
}

const ALL = [['aaa', 'far-a', 'far-b', 'zzz'], undefined];

describe('the buckets of all mounts', () => {
  it('leave out a mount that fails, and say so', async () => {
    const { list, patient } = open();
    expect(await list()).toEqual(ALL);
    far_listing = 'fails';
    expect(await list()).toEqual([
      ['aaa', 'zzz'],
      ['far-a*', 'far-*'],
    ]);
    expect(await list()).toEqual([
      ['aaa', 'zzz'],
      ['far-a*', 'far-*'],
    ]);
    expect(patient.down()).toEqual(['far-a*', 'far-*']);
    far_listing = 'answers';
    expect(await list()).toEqual(ALL);
    expect(patient.down()).toEqual([]);
    expect(events.map(({ type, mount }) => [type, mount])).toEqual([
      ['mount_down', 'far-a*'],
      ['mount_down', 'far-*'],
      ['mount_up', 'far-a*'],
      ['mount_up', 'far-*'],
    ]);
  });

  it('wait for one that hangs, but not twice', async () => {
    const { patient, mounts } = open();
    far_listing = 'hangs';
    const impatient = createMountHealth({ wait_ms: WAIT_MS, pause_ms: 60_000 });
    const call = () => mounts.homeOf('far-a').view.listBuckets({ limit: 1 });
    await expect(impatient.watch(['far-*'], call)).rejects.toMatchObject({ kind: 'unavailable' });
    expect(asked).toBe(1);
    await expect(impatient.watch(['far-*'], call)).rejects.toMatchObject({ kind: 'unavailable' });
    expect(asked).toBe(1);
    const forgetful = createMountHealth({ wait_ms: WAIT_MS, pause_ms: 0 });
    await expect(forgetful.watch(['far-*'], call)).rejects.toMatchObject({ kind: 'unavailable' });
    far_listing = 'answers';
    expect(patient.down()).toEqual([]);
    expect((await patient.watch(['far-*'], call)).buckets).toHaveLength(1);
  });

  it('are asked for only where they may lie', async () => {
    const prefixes: (string | undefined)[] = [];
    const watched: Adapter = {
      ...forwarding(far.adapter),
      listBuckets: async (input) => {
        prefixes.push(input.prefix);
        return far.adapter.listBuckets(input);
      },
    };
    const of = async (patterns: readonly string[], prefix?: string) => {
      const mounts = createMounts([
        ...patterns.map((pattern) => ({ pattern, adapter: watched })),
        { pattern: '*', adapter: near.adapter },
      ]);
      const asked_for = prefix === undefined ? {} : { prefix };
      const { buckets } = await listAllBuckets(mounts, createMountHealth(), { limit: 10, ...asked_for });
      return [prefixes.splice(0), buckets.map(({ name }) => name)];
    };
    expect(await of(['far-*'])).toEqual([['far-'], ['aaa', 'far-a', 'far-b', 'zzz']]);
    expect(await of(['far-*'], 'fa')).toEqual([['far-'], ['far-a', 'far-b']]);
    expect(await of(['far-*'], 'far-b')).toEqual([['far-b'], ['far-b']]);
    expect(await of(['far-*'], 'zz')).toEqual([[], ['zzz']]);
    expect(await of(['far-a', 'far-b'])).toEqual([[undefined], ['aaa', 'far-a', 'far-b', 'zzz']]);
    expect(await of(['far-a', '*b'], 'far-')).toEqual([['far-'], ['far-a', 'far-b']]);
    expect(await of(['far-a', 'x-*'], 'far')).toEqual([['far-a'], ['far-a']]);
  });

  it('fail where no mount answers', async () => {
    const { mounts } = open();
    far_listing = 'fails';
    const far_only = createMounts(
      mounts.homes.slice(0, 2).map(({ pattern, adapter }) => ({ pattern, adapter })),
    );
    await expect(listAllBuckets(far_only, createMountHealth(), { limit: 10 })).rejects.toMatchObject({
      kind: 'unavailable',
    });
  });
});
