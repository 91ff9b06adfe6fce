import {
  CopyObjectCommand,
  CreateBucketCommand,
  HeadObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeClient } from '../support/client.js';
import { type Feature, LACKABLE, lacks, MOUNT_NAMES } from '../support/mounts.mjs';

const Bucket = 'lacking';

const put = (Key: string, extra: Partial<PutObjectCommand['input']> = {}) =>
  new PutObjectCommand({ Bucket, Key, Body: 'content', ...extra });

const tag = (Value: string) =>
  new PutObjectTaggingCommand({ Bucket, Key: 'there', Tagging: { TagSet: [{ Key: 'k', Value }] } });

const versioning = new PutBucketVersioningCommand({
  Bucket,
  VersioningConfiguration: { Status: 'Enabled' },
});

const copyWithSum = new CopyObjectCommand({
  Bucket,
  Key: 'copy',
  CopySource: `${Bucket}/there`,
  ChecksumAlgorithm: 'SHA256',
});

/** What asks for a feature, and how the node says that the storage has it not. */
const PROBES: Readonly<Partial<Record<Feature, readonly [() => unknown, string]>>> = {
  versioning: [() => versioning, 'NotImplemented'],
  tagging: [() => tag('v'), 'NotImplemented'],
  any_tags: [() => tag('ü'), 'NotImplemented|InvalidTag'],
  kept_checksums: [() => copyWithSum, 'NotImplemented'],
  conditional_put: [() => put('there', { IfNoneMatch: '*' }), 'NotImplemented'],
  any_segments: [() => put('a//b'), 'NotImplemented'],
  leading_slash: [() => put('/a'), 'NotImplemented'],
  long_segments: [() => put('x'.repeat(256)), 'NotImplemented'],
  long_keys: [() => put('x/'.repeat(236)), 'KeyTooLongError'],
  folder_content: [() => put('folder/'), 'NotImplemented'],
  any_characters: [() => put('bell\u0007'), 'NotImplemented'],
};

const OF_KEYS: readonly Feature[] = [
  'nested',
  'any_segments',
  'leading_slash',
  'long_segments',
  'long_keys',
  'folder_content',
  'any_characters',
];

/** The tests of clients skip what a storage lacks. Here the node is seen to refuse it, and to store nothing instead. */
describeClient(
  'what a storage lacks is refused',
  { tools: [], mounts: MOUNT_NAMES.filter((mount) => mount !== 'local') },
  (client) => {
    let s3: S3Client;

    beforeAll(async () => {
      const { s3_url, access_key, secret_key } = client.server;
      s3 = new S3Client({
        endpoint: s3_url,
        region: 'us-east-1',
        forcePathStyle: true,
        maxAttempts: 1,
        credentials: { accessKeyId: access_key, secretAccessKey: secret_key },
      });
      await s3.send(new CreateBucketCommand({ Bucket }));
      await s3.send(put('there'));
    });
    afterAll(() => s3.destroy());

    for (const feature of LACKABLE) {
      const [request, refusal] = PROBES[feature] ?? [];
      if (request === undefined || refusal === undefined || !lacks(client.mount, feature)) continue;
      // Then its server's own answer is what the client gets.
      if (lacks(client.mount, 'key_rules') && OF_KEYS.includes(feature)) continue;
      test(feature, async () => {
        const command = request() as PutObjectCommand;
        const error = await s3.send(command).catch((cause: unknown) => cause);
        if (!(error instanceof S3ServiceException)) throw new Error(`${feature} is not refused`);
        expect(error.name).toMatch(new RegExp(`^(${refusal})$`));
        const { Key } = command.input;
        if (Key === undefined || Key === 'there') return;
        const head = s3.send(new HeadObjectCommand({ Bucket, Key }));
        await expect(head).rejects.toMatchObject({ $metadata: { httpStatusCode: 404 } });
      });
    }
  },
);
