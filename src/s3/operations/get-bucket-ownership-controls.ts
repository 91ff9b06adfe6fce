import { isStoreError } from '../../../adapters/contract/index.js';
import { S3Error } from '../errors.js';
import type { Operation } from '../operation.js';
import { OWNERSHIP_DOCUMENT } from '../ownership.js';

/** S3 API reference, "GetBucketOwnershipControls". The stored document is the answer. */
export const getBucketOwnershipControls: Operation = {
  name: 'GetBucketOwnershipControls',
  action: 's3:GetBucketOwnershipControls',
  body: 'none',
  async run({ store, bucket, signal }) {
    try {
      const document = await store.getDocument({ bucket, kind: OWNERSHIP_DOCUMENT, signal });
      return { status: 200, body: document.content };
    } catch (error) {
      if (!isStoreError(error, 'not_found') || error.subject !== 'document') throw error;
      throw new S3Error('OwnershipControlsNotFoundError', { fields: { BucketName: bucket }, cause: error });
    }
  },
};
