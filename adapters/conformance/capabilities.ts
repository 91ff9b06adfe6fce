import { describe, expect, test } from 'vitest';
import { checked } from '../checked.js';
import type { Adapter, Capabilities } from '../contract/index.js';
import { forwarding } from '../forwarding.js';
import { utf8 } from './support/bytes.js';
import { failure } from './support/expect.js';
import { type Feature, getText, type Harness, OWNER, put } from './support/harness.js';

export function capabilityTests(harness: Harness): void {
  describe('capabilities', () => {
    declaration(harness);
    undeclared(harness);
    limits(harness);
    closing(harness);
  });
}

/** The same store, seen through `checked` as if it declared something else. */
function declaring(harness: Harness, changed: Partial<Capabilities>): Adapter {
  const { store } = harness;
  return checked({ ...forwarding(store), capabilities: { ...store.capabilities, ...changed } });
}

function declaration(harness: Harness): void {
  test('limits are whole numbers that can be worked with', () => {
    const { capabilities } = harness.store;
    for (const [name, value] of Object.entries(capabilities)) {
      if (typeof value !== 'number') continue;
      expect(Number.isSafeInteger(value), name).toBe(true);
      expect(value, name).toBeGreaterThan(0);
    }
    expect(capabilities.part_bytes_min).toBeLessThanOrEqual(capabilities.part_bytes_max);
    expect(capabilities.put_bytes_max).toBeLessThanOrEqual(capabilities.object_bytes_max);
    expect(harness.store.name).not.toBe('');
  });
}

type Address = { readonly bucket: string; readonly key: string };
type Calls = (store: Adapter, object: Address) => (() => Promise<unknown>)[];

const COPY = { replace_attributes: false, replace_tags: false };

/** The calls that need each feature. */
const CALLS: Readonly<Record<Feature, Calls>> = {
  conditional_put: (store, object) => {
    const condition = { if_none_match: '*' };
    const source = { bucket: object.bucket, key: 'source' };
    return [
      () => store.putObject({ ...object, body: utf8('x'), size_bytes: 1, condition }),
      () => store.copyObject({ ...object, ...COPY, source, condition }),
      () => store.completeUpload({ ...object, upload_id: 'none', parts: [], condition }),
    ];
  },
  conditional_delete: (store, object) => [
    () => store.deleteObject({ ...object, condition: { if_match: '*' } }),
    () => store.deleteObject({ ...object, condition: { if_size_bytes: 7 } }),
  ],
  versioning: (store, { bucket, key }) => [
    () => store.listVersions({ bucket, limit: 1 }),
    () => store.getObject({ bucket, key, version_id: 'some' }),
    () => store.deleteObject({ bucket, key, version_id: 'some' }),
    () => store.putVersioning({ bucket, versioning: 'enabled' }),
    () => store.putVersioning({ bucket, versioning: 'suspended' }),
  ],
  object_lock: (store, object) => {
    const retention = { mode: 'GOVERNANCE', until_ms: Date.now() + 60_000 } as const;
    const attributes = { legal_hold: true };
    return [
      () => store.createBucket({ bucket: `${object.bucket}-lock`, owner: OWNER, object_lock: true }),
      () => store.putRetention({ ...object, retention }),
      () => store.putLegalHold({ ...object, legal_hold: true }),
      () => store.putObject({ ...object, body: utf8('x'), size_bytes: 1, attributes }),
      () => store.putObject({ ...object, body: utf8('x'), size_bytes: 1, attributes: { retention } }),
    ];
  },
  tagging: (store, object) => [
    () => store.getTags(object),
    () => store.putTags({ ...object, tags: { a: '1' } }),
    () => store.putObject({ ...object, body: utf8('x'), size_bytes: 1, attributes: { tags: { a: '1' } } }),
  ],
  multipart: (store, object) => {
    const upload = { ...object, upload_id: 'none' };
    const source = { bucket: object.bucket, key: 'source' };
    return [
      () => store.createUpload(object),
      () => store.uploadPart({ ...upload, part_number: 1, body: utf8('x'), size_bytes: 1 }),
      () => store.copyPart({ ...upload, part_number: 1, source }),
      () => store.listParts({ ...upload, limit: 1 }),
      () => store.listUploads({ bucket: object.bucket, limit: 1 }),
      () => store.completeUpload({ ...upload, parts: [] }),
      () => store.abortUpload(upload),
    ];
  },
  bucket_documents: (store, { bucket }) => [
    () => store.getDocument({ bucket, kind: 'policy' }),
    () => store.putDocument({ bucket, kind: 'policy', content: 'x' }),
    () => store.deleteDocument({ bucket, kind: 'policy' }),
    () => store.createBucket({ bucket: `${bucket}-made`, owner: '', documents: { policy: 'x' } }),
  ],
  change_feed: (store) => [
    () => store.readChanges({ after: null, limit: 1 }),
    () => store.waitForChange({ after: null, signal: AbortSignal.timeout(1_000) }),
  ],
  usage: (store, { bucket }) => [() => store.usage({ bucket }), () => store.usage({})],
};

/** FIPS 180, base64. */
const SHA256_OF_ABC = 'ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=';

const FEATURES = Object.keys(CALLS) as Feature[];

function undeclared(harness: Harness): void {
  for (const feature of FEATURES) {
    test(`without ${feature}, what needs it is refused and does nothing`, async () => {
      const bucket = await harness.bucket();
      await put(harness, bucket, 'key', 'content');
      await put(harness, bucket, 'source', 'source');
      const declared = harness.store.capabilities[feature];
      const store = declared ? declaring(harness, { [feature]: false }) : checked(harness.store);
      for (const call of CALLS[feature](store, { bucket, key: 'key' })) {
        const error = await failure(call(), 'unsupported', 'adapter');
        expect(error.detail.capability).toBe(feature);
      }
      expect(await getText(harness, bucket, 'key')).toBe('content');
      expect((await harness.store.headBucket({ bucket })).versioning).toBe('unversioned');
      expect((await harness.store.listObjects({ bucket, limit: 9 })).entries).toHaveLength(2);
    });
  }

  test('a copy cannot ask for a checksum that is not declared, but a body may be promised by it', async () => {
    const bucket = await harness.bucket();
    const store = declaring(harness, { checksums: [] });
    const put = (key: string, content: string) => {
      const checksum = { algorithm: 'SHA256', value: () => SHA256_OF_ABC } as const;
      const body = utf8(content);
      return store.putObject({ bucket, key, body, size_bytes: body.length, expect: { checksum } });
    };
    await failure(put('other', 'abd'), 'digest_mismatch', 'body');
    await put('source', 'abc');
    const source = { bucket, key: 'source' };
    const call = store.copyObject({ bucket, key: 'key', ...COPY, source, checksum_algorithm: 'SHA256' });
    const error = await failure(call, 'unsupported', 'adapter');
    expect(error.detail.capability).toBe('checksums.SHA256');
    for (const key of ['other', 'key'])
      await failure(harness.store.headObject({ bucket, key }), 'not_found', 'object');
  });
}

function limits(harness: Harness): void {
  test('what is above a limit is refused and does nothing', async () => {
    const bucket = await harness.bucket();
    const store = declaring(harness, {
      key_bytes_max: 10,
      put_bytes_max: 100,
      delete_batch_max: 2,
      list_limit_max: 50,
    });
    const body = { body: new Uint8Array(101), size_bytes: 101 };
    const objects = ['a', 'b', 'c'].map((key) => ({ key }));
    const small = { body: utf8('x'), size_bytes: 1 };
    for (const call of [
      () => store.putObject({ bucket, key: 'key', ...body }),
      () => store.putObject({ bucket, key: 'ääääää', ...small }),
      () => store.deleteObjects({ bucket, objects }),
      () => store.listObjects({ bucket, limit: 51 }),
      () => store.listObjects({ bucket, limit: 0 }),
    ]) {
      await failure(call(), 'invalid');
    }
    await store.putObject({ bucket, key: 'äääää', ...small });
    await store.deleteObjects({ bucket, objects: objects.slice(0, 2) });
    expect((await store.listObjects({ bucket, limit: 50 })).entries).toHaveLength(1);
  });

  test('limits of parts are held', async (context) => {
    context.skip(!harness.store.capabilities.multipart, 'not declared: multipart');
    const bucket = await harness.bucket();
    const store = declaring(harness, { parts_max: 3, part_bytes_max: 10 });
    const upload = {
      bucket,
      key: 'key',
      upload_id: (await store.createUpload({ bucket, key: 'key' })).upload_id,
    };
    const part = (part_number: number, size_bytes: number) =>
      store.uploadPart({ ...upload, part_number, body: new Uint8Array(size_bytes), size_bytes });
    for (const [part_number, size_bytes] of [
      [0, 1],
      [4, 1],
      [-1, 1],
      [1.5, 1],
      [1, 11],
    ] as const) {
      await failure(part(part_number, size_bytes), 'invalid');
    }
    await part(3, 10);
    expect((await store.listParts({ ...upload, limit: 9 })).parts).toHaveLength(1);
  });
}

function closing(harness: Harness): void {
  test('a closed adapter answers that it is unavailable', async () => {
    const { adapter, close } = await harness.open();
    const bucket = harness.bucketName();
    await adapter.createBucket({ bucket, owner: OWNER });
    await adapter.putObject({ bucket, key: 'key', body: utf8('x'), size_bytes: 1 });
    await adapter.deleteObject({ bucket, key: 'key' });
    await adapter.deleteBucket({ bucket });
    await adapter.close();
    for (const call of [
      () => adapter.headBucket({ bucket }),
      () => adapter.listBuckets({ limit: 1 }),
      () => adapter.putObject({ bucket, key: 'key', body: utf8('x'), size_bytes: 1 }),
      () => adapter.getObject({ bucket, key: 'key' }),
      () => adapter.deleteObject({ bucket, key: 'key' }),
      () => adapter.listObjects({ bucket, limit: 1 }),
      () => adapter.maintain({ now_ms: Date.now() }),
    ]) {
      await failure(call(), 'unavailable');
    }
    await close();
  });

  test('closing finishes what is under way', async () => {
    const { adapter, close } = await harness.open();
    const bucket = harness.bucketName();
    await adapter.createBucket({ bucket, owner: OWNER });
    const keys = Array.from({ length: 20 }, (_, n) => `key ${n}`);
    const writes = Promise.allSettled(
      keys.map((key) =>
        adapter.putObject({ bucket, key, body: utf8(key), size_bytes: Buffer.byteLength(key) }),
      ),
    );
    await adapter.close();
    expect((await writes).filter(({ status }) => status === 'rejected')).toEqual([]);
    await close();
  });
}
