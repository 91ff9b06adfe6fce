/** An account beside ours was first to take the name of our reserved bucket, and opens it to us. */
import { CreateBucketCommand, PutBucketPolicyCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import type { Adapter } from '../../adapters/contract/index.js';
import { openAdapter } from '../../adapters/open.js';
import type { Provider } from '../../adapters/s3/providers.js';
import { describeUpstream } from '../support/describe-upstream.js';
import type { Upstream } from '../support/upstream.mjs';
import { startVersitygw } from '../support/versitygw.mjs';
import { entryOf } from './entries.js';

const [US, MALLORY] = ['us', 'mallory'];

function clientOf({ s3_url: endpoint, region, secret_key }: Upstream, name: string): S3Client {
  const credentials = { accessKeyId: name, secretAccessKey: secret_key };
  return new S3Client({ endpoint, region, forcePathStyle: true, credentials });
}

async function squat(upstream: Upstream, Bucket: string): Promise<void> {
  const client = clientOf(upstream, MALLORY);
  await client.send(new CreateBucketCommand({ Bucket }));
  const Resource = [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`];
  const Statement = [{ Effect: 'Allow', Principal: '*', Action: 's3:*', Resource }];
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement });
  await client.send(new PutBucketPolicyCommand({ Bucket, Policy }));
  const Body = JSON.stringify({ owner: MALLORY, region: '', created_at_ms: 1 });
  await client.send(new PutObjectCommand({ Bucket, Key: 'buckets/photos.json', Body }));
  client.destroy();
}

async function outcome(adapter: Adapter): Promise<string> {
  const asked = adapter.headBucket({ bucket: 'photos' });
  const said = await asked.then(({ owner }) => `owner: ${owner}`, String).finally(() => adapter.close());
  return said;
}

const start = (options: { binary: string; folder: string }) =>
  startVersitygw({ ...options, accounts: [US, MALLORY] });

describeUpstream('versitygw', start, (upstream) => {
  const open = (provider: Provider, documents_bucket: string, access_key = US) =>
    openAdapter({
      ...entryOf('s3', provider, { ...upstream(), access_key }),
      path_style: true,
      capabilities: { versioning: false, object_lock: false },
      documents_bucket,
    });

  test('it is not believed who owns a bucket, and our own bucket is', async () => {
    await squat(upstream(), 'open-to-all');
    const ours = await open('versitygw', 'ours-alone');
    await ours.createBucket({ bucket: 'photos', owner: 'alice' });
    await ours.close();
    for (const provider of ['versitygw', 'generic', 'aws'] as const) {
      expect(await outcome(await open(provider, 'ours-alone'))).toBe('owner: alice');
      expect(await outcome(await open(provider, 'open-to-all'))).toMatch(/belongs to another account/);
    }
    // Root is shown the buckets of all accounts.
    const { access_key } = upstream();
    expect(await outcome(await open('versitygw', 'open-to-all', access_key))).toMatch(/another account/);
    // The lure works where nobody asks.
    expect(await outcome(await open('minio', 'open-to-all'))).toBe('owner: mallory');
  });
});
