import { S3Error } from '../errors.js';
import { LOCK_DOCUMENT, parseLockConfiguration } from '../lock-defaults.js';
import type { Operation } from '../operation.js';
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
    if (!info.object_lock) {
      throw new S3Error('InvalidBucketState', {
        message: 'Object Lock configuration cannot be enabled on existing buckets',
      });
    }
    const content = xml('ObjectLockConfiguration', {
      ObjectLockEnabled: 'Enabled',
      Rule:
        rule === undefined ? undefined : { DefaultRetention: { Mode: rule.mode, [rule.unit]: rule.count } },
    });
    await store.putDocument({ bucket, kind: LOCK_DOCUMENT, content, signal });
    return { status: 200 };
  },
};
