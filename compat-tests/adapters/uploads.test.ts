import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { readAll, utf8 } from '../../adapters/conformance/support/bytes.js';
import { expectBytes, failure } from '../../adapters/conformance/support/expect.js';
import type { Adapter } from '../../adapters/contract/index.js';
import { openAdapter, type RemoteEntry } from '../../adapters/open.js';
import { bytes } from '../support/data.js';
import { describeUpstream } from '../support/describe-upstream.js';
import { createPresigner } from '../support/presign.mjs';
import type { Upstream } from '../support/upstream.mjs';
import { entryOf, startMinioUpstream } from './entries.js';

const MIB = 1024 ** 2;
const OWNER = '0'.repeat(64);
const HOUR_MS = 3_600_000;
/** Three parts of 5 MiB at most, the least that MinIO takes. */
const IN_PARTS = { copy_once_bytes_max: 6 * MIB, copy_part_bytes: 5 * MIB };
const CONTENT = bytes(12 * MIB + 345);

const opened: Adapter[] = [];
afterEach(async () => {
  for (const adapter of opened.splice(0)) await adapter.close();
});

async function open(upstream: Upstream, more: Partial<RemoteEntry> = {}): Promise<Adapter> {
  const adapter = await openAdapter({ ...entryOf('s3', 'minio', upstream), ...more });
  opened.push(adapter);
  return adapter;
}

async function newBucket(adapter: Adapter): Promise<string> {
  const bucket = `uploads-${randomBytes(6).toString('hex')}`;
  await adapter.createBucket({ bucket, owner: OWNER });
  return bucket;
}

/** A request of somebody else's. */
async function ask(upstream: Upstream, method: string, path: string, query: Record<string, string>) {
  const { s3_url, region, access_key, secret_key } = upstream;
  const presign = createPresigner(s3_url, { access_key, secret_key, region });
  const answer = await fetch(`${s3_url}${presign(method, path, query)}`, { method });
  return { status: answer.status, text: await answer.text() };
}

/** Of one key: MinIO lists uploads by their whole keys only. */
async function uploadsOf(upstream: Upstream, bucket: string, key: string): Promise<number> {
  const { text } = await ask(upstream, 'GET', `/${bucket}`, { uploads: '', prefix: key });
  return text.split('<Upload>').length - 1;
}

const HOW = { replace_attributes: false, replace_tags: false };

describeUpstream('minio', startMinioUpstream, (upstream) => {
  /** MinIO computes no checksum of a copied part, so those with checksums pass through here; the others do not. */
  const WAYS: readonly (readonly [string, Partial<RemoteEntry>])[] = [
    ['with checksums, through the node', IN_PARTS],
    [
      'without checksums, range by range on its side',
      { ...IN_PARTS, provider: 'generic', capabilities: { conditional_put: true, tagging: true } },
    ],
  ];

  describe.each(WAYS)('copies in parts, %s', (_name, options) => {
    const attributes = {
      headers: { content_type: 'text/x-source', cache_control: 'no-store' },
      metadata: { colour: 'bleu pâle' },
      tags: { kind: 'source' },
    };

    test('keep content, metadata, tags and checksum', async () => {
      const adapter = await open(upstream(), options);
      const bucket = await newBucket(adapter);
      const body = { body: CONTENT, size_bytes: CONTENT.length };
      const source = await adapter.putObject({ bucket, key: 'source', ...body, attributes });
      const { info } = await adapter.copyObject({
        bucket,
        key: 'copy',
        source: { bucket, key: 'source' },
        ...HOW,
      });
      expect(info).toMatchObject({
        parts_count: 3,
        size_bytes: CONTENT.length,
        headers: attributes.headers,
        metadata: attributes.metadata,
        tags_count: 1,
        checksum: source.checksum,
      });
      const { body: copied } = await adapter.getObject({ bucket, key: 'copy' });
      expectBytes(await readAll(copied), CONTENT);
      expect((await adapter.getTags({ bucket, key: 'copy' })).tags).toEqual(attributes.tags);
      expect(await uploadsOf(upstream(), bucket, 'copy')).toBe(0);
    });

    test('honour a condition in the moment of completion, and leave no upload behind', async () => {
      const adapter = await open(upstream(), options);
      const bucket = await newBucket(adapter);
      await adapter.putObject({ bucket, key: 'source', body: CONTENT, size_bytes: CONTENT.length });
      await adapter.putObject({ bucket, key: 'there', body: utf8('there'), size_bytes: 5 });
      const copy = { bucket, source: { bucket, key: 'source' }, ...HOW, condition: { if_none_match: '*' } };
      await failure(adapter.copyObject({ ...copy, key: 'there' }), 'precondition_failed');
      expect((await adapter.headObject({ bucket, key: 'there' })).info.size_bytes).toBe(5);
      expect(await uploadsOf(upstream(), bucket, 'there')).toBe(0);
      await adapter.copyObject({ ...copy, key: 'absent' });
      expect((await adapter.headObject({ bucket, key: 'absent' })).info.parts_count).toBe(3);
    });

    test('leave no upload behind when they are aborted', async () => {
      const abort = new AbortController();
      const entry = entryOf('s3', 'minio', upstream());
      let requests_left = Number.POSITIVE_INFINITY;
      let begun = 0;
      let bucket = '';
      const credentials: RemoteEntry['credentials'] = async () => {
        requests_left -= 1;
        if (requests_left === 0) {
          begun = await uploadsOf(upstream(), bucket, 'copy');
          abort.abort(new Error('enough'));
        }
        return (await entry.credentials?.()) ?? { accessKeyId: '', secretAccessKey: '' };
      };
      const adapter = await open(upstream(), { ...options, credentials });
      bucket = await newBucket(adapter);
      await adapter.putObject({ bucket, key: 'source', body: CONTENT, size_bytes: CONTENT.length });
      // The source and the records take fewer requests, the parts more.
      requests_left = 9;
      const copy = adapter.copyObject({
        bucket,
        key: 'copy',
        source: { bucket, key: 'source' },
        ...HOW,
        signal: abort.signal,
      });
      await expect(copy).rejects.toThrow('enough');
      expect(begun).toBe(1);
      expect(await uploadsOf(upstream(), bucket, 'copy')).toBe(0);
      await failure(adapter.headObject({ bucket, key: 'copy' }), 'not_found', 'object');
    });
  });

  test('maintain removes records of uploads that others ended, on several nodes at once, and no others', async () => {
    const [one, other] = [await open(upstream()), await open(upstream())];
    const bucket = await newBucket(one);
    const kept = await one.createUpload({ bucket, key: 'kept' });
    const ended = await one.createUpload({ bucket, key: 'ended' });
    const listed = async () =>
      (await other.listUploads({ bucket, limit: 10 })).entries.map((entry) =>
        entry.type === 'item' ? entry.item.upload_id : '',
      );
    await ask(upstream(), 'DELETE', `/${bucket}/ended`, { uploadId: ended.upload_id });
    await one.maintain({ now_ms: Date.now() });
    expect(await listed()).toHaveLength(2);
    const now_ms = Date.now() + 2 * HOUR_MS;
    await Promise.all([one.maintain({ now_ms }), other.maintain({ now_ms })]);
    expect(await listed()).toEqual([kept.upload_id]);
    await other.abortUpload({ bucket, key: 'kept', upload_id: kept.upload_id });
  });
});
