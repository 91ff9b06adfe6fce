import { PutBucketVersioningCommand, PutObjectLockConfigurationCommand } from '@aws-sdk/client-s3';
import {
  type BucketAddress,
  type BucketInfo,
  type PutVersioningInput,
  StoreError,
} from '../contract/index.js';
import { abortable } from './abortable.js';
import type { S3Context } from './context.js';

export async function headBucket(context: S3Context, { bucket, signal }: BucketAddress): Promise<BucketInfo> {
  return context.buckets.info(bucket, signal);
}

export async function putVersioning(context: S3Context, input: PutVersioningInput): Promise<void> {
  const { bucket, versioning, object_lock } = input;
  const { sdk } = context.upstream;
  const before = await context.buckets.info(bucket, input.signal);
  if (before.object_lock && versioning === 'suspended')
    throw conflict('versioning cannot be suspended under object lock');
  if (object_lock === true && before.versioning !== 'enabled') throw conflict('object lock needs versioning');
  try {
    await sdk.send(
      new PutBucketVersioningCommand({
        Bucket: bucket,
        VersioningConfiguration: { Status: versioning === 'enabled' ? 'Enabled' : 'Suspended' },
      }),
      abortable(input),
    );
    if (object_lock !== true) return;
    const ObjectLockConfiguration = { ObjectLockEnabled: 'Enabled' } as const;
    await sdk.send(
      new PutObjectLockConfigurationCommand({ Bucket: bucket, ObjectLockConfiguration }),
      abortable(input),
    );
  } finally {
    context.buckets.forget(bucket);
  }
}

function conflict(message: string): StoreError {
  return new StoreError('conflict', message, { subject: 'bucket' });
}
