import { isStoreError } from '../../../adapters/contract/index.js';
import { S3Error } from '../errors.js';
import { LOCK_DOCUMENT } from '../lock-defaults.js';
import type { Operation } from '../operation.js';
import { xml } from '../xml.js';

/** S3 API reference, "GetObjectLockConfiguration". A bucket with Object Lock and no rule shows that it is enabled. */
export const getObjectLockConfiguration: Operation = {
  name: 'GetObjectLockConfiguration',
  action: 's3:GetBucketObjectLockConfiguration',
  body: 'none',
  async run({ store, bucket, signal }) {
    const info = await store.headBucket({ bucket, signal });
    if (!info.object_lock) {
      throw new S3Error('ObjectLockConfigurationNotFoundError', { fields: { BucketName: bucket } });
    }
    try {
      const document = await store.getDocument({ bucket, kind: LOCK_DOCUMENT, signal });
      return { status: 200, body: document.content };
    } catch (error) {
      if (!isStoreError(error, 'not_found') || error.subject !== 'document') throw error;
      return { status: 200, body: xml('ObjectLockConfiguration', { ObjectLockEnabled: 'Enabled' }) };
    }
  },
};
