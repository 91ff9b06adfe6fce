/** What becomes of unfinished uploads, whose parts were acknowledged, when their bucket is to be deleted. */
import { describe, expect, it } from 'vitest';
import { failure } from '../conformance/support/expect.js';
import type { Adapter } from '../contract/index.js';
import type { Provider } from './providers.js';
import { overUpstream } from './testing/bad-upstream.js';
import { createSmallUpstream, type SmallUpstream } from './testing/small-upstream.js';

const BUCKET = { bucket: 'bucket' };
const OWNED = { ...BUCKET, owner: 'me' };

type Work = (adapter: Adapter, upstream: SmallUpstream, upload_id: string) => Promise<void>;

/** A bucket with one upload. */
async function withUpload(provider: Provider, work: Work): Promise<void> {
  const upstream = createSmallUpstream();
  const options = { provider, capabilities: { versioning: false, object_lock: false } };
  await overUpstream(
    upstream.handler,
    async (adapter) => {
      await adapter.createBucket(OWNED);
      const { upload_id } = await adapter.createUpload({ ...BUCKET, key: 'key' });
      await work(adapter, upstream, upload_id);
    },
    options,
  );
}

async function listed(adapter: Adapter): Promise<string[]> {
  const { entries } = await adapter.listUploads({ ...BUCKET, limit: 10 });
  return entries.flatMap((entry) => (entry.type === 'item' ? [entry.item.upload_id] : []));
}

const PROVIDERS = ['minio', 'generic'] as const;

describe.each(PROVIDERS)('uploads of a bucket that is not deleted, over %s, are as they were', (provider) => {
  async function expectKept(
    prepare: (upstream: SmallUpstream) => unknown,
    kind: 'access_denied' | 'not_empty',
  ) {
    await withUpload(provider, async (adapter, upstream, upload_id) => {
      await prepare(upstream);
      await failure(adapter.deleteBucket(BUCKET), kind);
      upstream.before = () => null;
      expect(await listed(adapter)).toEqual([upload_id]);
      expect([...upstream.uploads.keys()]).toEqual([upload_id]);
    });
  }

  it('where the key may not delete buckets', async () => {
    await expectKept((upstream) => {
      upstream.before = (asked) => (asked === 'DELETE /bucket' ? 403 : null);
    }, 'access_denied');
  });

  it.each([false, true])(
    'where it has old versions that nobody declared (kept by uploads: %s)',
    async (keep) => {
      await expectKept((upstream) => {
        upstream.uploads_keep = keep;
        upstream.versioned.add('bucket');
      }, 'not_empty');
    },
  );

  it('where an object is written between the look and the delete', async () => {
    await expectKept((upstream) => {
      upstream.uploads_keep = true;
      upstream.before = (asked) => {
        if (asked === 'DELETE /bucket') upstream.buckets.get('bucket')?.set('key', 'content');
        return null;
      };
    }, 'not_empty');
  });

  it('where nobody can tell whether it is empty', async () => {
    await expectKept((upstream) => {
      upstream.uploads_keep = true;
      let refused = false;
      upstream.before = (asked) => {
        refused ||= asked === 'DELETE /bucket';
        return refused && asked === 'GET /bucket' ? 403 : null;
      };
    }, 'not_empty');
  });
});

describe.each(PROVIDERS)('uploads of a bucket that is deleted, over %s, end with it', (provider) => {
  it.each([false, true])('whether or not they keep it (%s)', async (keep) => {
    await withUpload(provider, async (adapter, upstream) => {
      upstream.uploads_keep = keep;
      await adapter.deleteBucket(BUCKET);
      expect(upstream.uploads.size).toBe(0);
      await adapter.createBucket(OWNED);
      expect(await listed(adapter)).toEqual([]);
    });
  });
});

it('uploads of a bucket that was deleted without an answer are none of the next one', async () => {
  await withUpload('minio', async (adapter, upstream) => {
    upstream.before = (asked) => (asked === 'DELETE /bucket' ? 'lost' : null);
    await failure(adapter.deleteBucket(BUCKET), 'unavailable');
    upstream.before = () => null;
    expect(upstream.buckets.has('bucket')).toBe(false);
    await adapter.createBucket(OWNED);
    expect(await listed(adapter)).toEqual([]);
    expect(upstream.uploads.size).toBe(0);
  });
});
