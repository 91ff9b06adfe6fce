import { afterEach, beforeEach, expect, it } from 'vitest';
import { checked } from '../../adapters/checked.js';
import type { OpenedAdapter } from '../../adapters/conformance/support/harness.js';
import type { Adapter } from '../../adapters/contract/index.js';
import { forwarding } from '../../adapters/forwarding.js';
import { openInFreshFolder } from '../../adapters/local/testing/open-in-fresh-folder.js';
import { walkAll } from './walk.js';

let opened: OpenedAdapter;
beforeEach(async () => {
  opened = await openInFreshFolder();
  for (const bucket of ['aaa', 'bbb', 'ccc']) {
    await opened.adapter.createBucket({ bucket, owner: 'me' });
    for (const key of ['k1', 'k2', 'k3']) {
      await opened.adapter.putObject({ bucket, key, body: new Uint8Array(1), size_bytes: 1 });
    }
  }
});
afterEach(() => opened.close());

const never = new AbortController().signal;

async function walked(store: Adapter, isWanted?: (bucket: string) => boolean): Promise<string[]> {
  const seen: string[] = [];
  for await (const { bucket, objects } of walkAll(store, null, never, isWanted)) {
    seen.push(...objects.map(({ key }) => `${bucket}/${key}`));
  }
  return seen;
}

const ALL = ['aaa', 'bbb', 'ccc'].flatMap((bucket) => ['k1', 'k2', 'k3'].map((key) => `${bucket}/${key}`));

it('goes through all buckets, or through the wanted ones', async () => {
  expect(await walked(opened.adapter)).toEqual(ALL);
  expect(await walked(opened.adapter, (bucket) => bucket !== 'bbb')).toEqual(
    ALL.filter((name) => !name.startsWith('bbb')),
  );
});

it('takes objects for versions where there are none', async () => {
  const { adapter } = opened;
  const capabilities = { ...adapter.capabilities, versioning: false, object_lock: false, list_limit_max: 2 };
  expect(await walked(checked({ ...forwarding(adapter), capabilities }))).toEqual(ALL);
});

it('does not take a part of the buckets for all of them', async () => {
  const { adapter } = opened;
  const partial: Adapter = {
    ...forwarding(adapter),
    listBuckets: async (input) => ({ ...(await adapter.listBuckets(input)), unavailable_mounts: ['far-*'] }),
  };
  await expect(walked(partial)).rejects.toMatchObject({
    kind: 'unavailable',
    message: expect.stringContaining('far-*'),
  });
  expect(await walked(partial, () => true)).toEqual(ALL);
});
