import type { VersioningState } from '../../../adapters/contract/index.js';
import { S3Error } from '../errors.js';
import { LOCK_DOCUMENT, parseLockConfiguration } from '../lock-defaults.js';
import type { Operation, OperationContext } from '../operation.js';
import { requestDocument } from '../parameters/address.js';
import { xml } from '../xml.js';

/** S3 API reference, "PutObjectLockConfiguration". */
export const putObjectLockConfiguration: Operation = {
  name: 'PutObjectLockConfiguration',
  action: 's3:PutBucketObjectLockConfiguration',
  body: 'xml',
  async run(context) {
    const { store, bucket, signal } = context;
    const rule = parseLockConfiguration(await requestDocument(context, 'ObjectLockConfiguration'));
    const info = await store.headBucket({ bucket, signal });
    if (!info.object_lock) await turnOn(context, info.versioning);
    const content = xml('ObjectLockConfiguration', {
      ObjectLockEnabled: 'Enabled',
      Rule:
        rule === undefined ? undefined : { DefaultRetention: { Mode: rule.mode, [rule.unit]: rule.count } },
    });
    await store.putDocument({ bucket, kind: LOCK_DOCUMENT, content, signal });
    return { status: 200 };
  },
};

/** S3 User Guide, "Enabling Object Lock on an existing bucket": versioning comes first. */
async function turnOn(
  { store, bucket, signal }: OperationContext,
  versioning: VersioningState,
): Promise<void> {
  if (versioning !== 'enabled') {
    throw new S3Error('InvalidBucketState', {
      message: "Versioning must be 'Enabled' on the bucket to apply an Object Lock configuration",
    });
  }
  await store.putVersioning({ bucket, versioning, object_lock: true, signal });
}
