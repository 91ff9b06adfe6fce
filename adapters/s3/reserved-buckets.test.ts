/** Names that strangers share: one of them may have that of a reserved bucket, and let all the world in. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LIMITS } from '../../config/limits.js';
import { DOCUMENTS_BUCKET } from '../../config/reserved-names.js';
import { failure } from '../conformance/support/expect.js';
import type { Adapter } from '../contract/index.js';
import { openAdapter } from '../open.js';
import type { S3AdapterOptions } from './options.js';
import { overUpstream } from './testing/bad-upstream.js';
import { createSmallUpstream, type SmallUpstream } from './testing/small-upstream.js';

const PHOTOS = { bucket: 'photos' };
const RECORD = 'buckets/photos.json';
const forged = (owner: string) => JSON.stringify({ owner, region: '', created_at_ms: 1 });

let upstream: SmallUpstream;
let requests: string[];

beforeEach(() => {
  upstream = createSmallUpstream();
  upstream.buckets.set('photos', new Map());
  requests = [];
  upstream.before = (request) => {
    requests.push(request);
    return null;
  };
});
afterEach(() => {
  vi.useRealTimers();
});

const over = (work: (adapter: Adapter) => Promise<void>, options: Partial<S3AdapterOptions> = {}) =>
  overUpstream(upstream.handler, work, {
    provider: 'aws',
    capabilities: { versioning: false, object_lock: false },
    ...options,
  });

/** Somebody was here before us. */
function squat(bucket: string, objects: Readonly<Record<string, string>> = {}): void {
  upstream.buckets.set(bucket, new Map(Object.entries(objects)));
  upstream.foreign.add(bucket);
}

const asked = (request: string) => requests.filter((one) => one === request).length;

/** Such requests are refused, as the key's policy says. */
function deny(...denied: readonly string[]): void {
  upstream.before = (request) => {
    requests.push(request);
    return denied.includes(request) ? 403 : null;
  };
}

const LIST = 'GET ';
const CREATE = `PUT /${DOCUMENTS_BUCKET}`;

describe("a stranger's bucket of records", () => {
  it.each(['aws', 'b2', 'ceph', 'generic', 'versitygw', 'backup-node'] as const)(
    'is not believed over %s',
    async (provider) => {
      squat(DOCUMENTS_BUCKET, { [RECORD]: forged('mallory') });
      await over(
        async (adapter) => {
          const { message } = await failure(adapter.headBucket(PHOTOS), 'access_denied');
          expect(message).toContain('adapters.bad.documents_bucket');
          upstream.buckets.delete('photos');
          await failure(adapter.listBuckets({ limit: 10 }), 'access_denied');
        },
        { provider },
      );
    },
  );

  it('is not believed either for what it does not have, and nothing is written to it', async () => {
    squat(DOCUMENTS_BUCKET);
    await over(async (adapter) => {
      await failure(adapter.headBucket(PHOTOS), 'access_denied');
      await failure(adapter.createBucket({ bucket: 'mine', owner: 'me' }), 'access_denied');
      await failure(adapter.putDocument({ ...PHOTOS, kind: 'policy', content: '{}' }), 'access_denied');
    });
    expect(upstream.buckets.get(DOCUMENTS_BUCKET)?.size).toBe(0);
    expect(upstream.buckets.has('mine')).toBe(false);
  });

  it('is named too where it is closed to us', async () => {
    squat(DOCUMENTS_BUCKET);
    deny(`GET /${DOCUMENTS_BUCKET}/${RECORD}`);
    await over(async (adapter) => {
      const { message } = await failure(adapter.headBucket(PHOTOS), 'access_denied');
      expect(message).toContain('belongs to another account');
    });
  });

  it.each(['versitygw', 'backup-node'] as const)('is not believed where %s lists it', async (provider) => {
    squat(DOCUMENTS_BUCKET, { [RECORD]: forged('mallory') });
    upstream.lists_foreign = true;
    await over(
      async (adapter) => {
        await failure(adapter.headBucket(PHOTOS), 'access_denied');
      },
      { provider },
    );
  });

  it('is asked about again after a while', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    squat(DOCUMENTS_BUCKET);
    await over(async (adapter) => {
      await failure(adapter.headBucket(PHOTOS), 'access_denied');
      await failure(adapter.headBucket(PHOTOS), 'access_denied');
      expect(asked(CREATE)).toBe(1);
      upstream.foreign.delete(DOCUMENTS_BUCKET);
      vi.advanceTimersByTime(LIMITS.upstream_foreign_bucket_ms);
      await adapter.headBucket(PHOTOS);
    });
  });
});

describe('our own bucket of records', () => {
  it('is asked about once', async () => {
    upstream.buckets.set(DOCUMENTS_BUCKET, new Map([[RECORD, forged('me')]]));
    await over(async (adapter) => {
      const buckets = ['a', 'b', 'c', 'd'].map((bucket) => ({ bucket }));
      for (const { bucket } of buckets) upstream.buckets.set(bucket, new Map());
      await Promise.all(buckets.map((bucket) => adapter.headBucket(bucket)));
      expect((await adapter.headBucket(PHOTOS)).owner).toBe('me');
      await adapter.putDocument({ ...PHOTOS, kind: 'policy', content: '{}' });
    });
    expect(asked(CREATE)).toBe(1);
  });

  it.each([
    ['the key may not list', LIST, 403],
    ['the key may not make buckets', CREATE, 403],
    ['it can be made twice', CREATE, 200],
  ])('is known where %s', async (_, denied, status) => {
    upstream.buckets.set(DOCUMENTS_BUCKET, new Map([[RECORD, forged('me')]]));
    upstream.before = (request) => (request === denied ? status : null);
    await over(async (adapter) => {
      expect((await adapter.headBucket(PHOTOS)).owner).toBe('me');
    });
  });

  it('is known where the server does not tell it from those of others, but lists it', async () => {
    squat(DOCUMENTS_BUCKET, { [RECORD]: forged('me') });
    upstream.lists_foreign = true;
    await over(
      async (adapter) => {
        expect((await adapter.headBucket(PHOTOS)).owner).toBe('me');
      },
      { provider: 'generic' },
    );
  });

  it('is not believed where the key may do neither, and what would help is said', async () => {
    upstream.buckets.set(DOCUMENTS_BUCKET, new Map([[RECORD, forged('me')]]));
    deny(LIST, CREATE);
    await over(async (adapter) => {
      const { message } = await failure(adapter.headBucket(PHOTOS), 'access_denied');
      expect(message).toContain('allow either');
    });
  });

  it('is not made before something is written to it', async () => {
    await over(async (adapter) => {
      expect((await adapter.headBucket(PHOTOS)).owner).toBe('');
      await adapter.listBuckets({ limit: 10 });
      expect(upstream.buckets.has(DOCUMENTS_BUCKET)).toBe(false);
      await adapter.putDocument({ ...PHOTOS, kind: 'policy', content: '{}' });
      expect(upstream.buckets.has(DOCUMENTS_BUCKET)).toBe(true);
    });
  });

  it('is made again when it was removed, unless a stranger has the name by then', async () => {
    await over(async (adapter) => {
      const document = { ...PHOTOS, kind: 'policy', content: '{}' };
      await adapter.putDocument(document);
      upstream.buckets.delete(DOCUMENTS_BUCKET);
      await adapter.putDocument(document);
      expect(upstream.buckets.get(DOCUMENTS_BUCKET)?.size).toBe(1);
      upstream.buckets.delete(DOCUMENTS_BUCKET);
      upstream.before = (request) => {
        if (request === CREATE) squat(DOCUMENTS_BUCKET);
        return null;
      };
      await failure(adapter.putDocument(document), 'access_denied');
      expect(upstream.buckets.get(DOCUMENTS_BUCKET)?.size).toBe(0);
    });
  });

  it('is not asked about where no bucket is anyone’s', async () => {
    upstream.buckets.set(DOCUMENTS_BUCKET, new Map([[RECORD, forged('me')]]));
    await over(
      async (adapter) => {
        expect((await adapter.headBucket(PHOTOS)).owner).toBe('me');
      },
      { provider: 'minio' },
    );
    expect(asked(CREATE)).toBe(0);
  });
});

describe('the bucket of a decorator', () => {
  const encryption = { current: 'one', keys: new Map([['one', Buffer.alloc(32)]]), records_bucket: 'parts' };
  const OBJECT = { bucket: 'parts', key: 'upload/00001/x', body: new Uint8Array(0), size_bytes: 0 };

  it('is used by nobody while it is a stranger’s', async () => {
    squat('parts', { 'upload/00001/forged': '' });
    await over(
      async (adapter) => {
        for (const call of [
          adapter.listObjects({ bucket: 'parts', limit: 10 }),
          adapter.putObject(OBJECT),
          adapter.createBucket({ bucket: 'parts', owner: '' }),
        ]) {
          const { message } = await failure(call, 'access_denied');
          expect(message).toContain('adapters.bad.encryption.records_bucket');
        }
      },
      { reserved_buckets: { 'encryption.records_bucket': 'parts' } },
    );
    expect(upstream.buckets.get('parts')?.size).toBe(1);
  });

  it('is known to the adapter, and made when there is something to write', async () => {
    const open = (options: S3AdapterOptions) =>
      openAdapter({ ...options, type: 's3', decorators: { encryption } });
    const work = async (adapter: Adapter) => {
      await adapter.maintain({ now_ms: 0 });
      expect(upstream.buckets.has('parts')).toBe(false);
      squat('parts');
      await failure(adapter.maintain({ now_ms: 0 }), 'access_denied');
    };
    await overUpstream(upstream.handler, work, { provider: 'aws' }, open);
    await over(
      async (adapter) => {
        upstream.buckets.delete('parts');
        upstream.foreign.delete('parts');
        await failure(adapter.putObject(OBJECT), 'not_found');
        await adapter.createBucket({ bucket: 'parts', owner: '' });
        await adapter.putObject(OBJECT);
        expect([...(upstream.buckets.get('parts')?.keys() ?? [])]).toEqual([OBJECT.key]);
      },
      { reserved_buckets: { 'encryption.records_bucket': 'parts' } },
    );
  });
});
