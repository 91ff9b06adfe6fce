import { isStoreError } from '../../../adapters/contract/index.js';
import { S3Error } from '../errors.js';
import type { Operation } from '../operation.js';

/** S3 API reference, "GetBucketTagging". The stored document is the answer. */
export const getBucketTagging: Operation = {
  name: 'GetBucketTagging',
  action: 's3:GetBucketTagging',
  body: 'none',
  async run({ store, bucket, signal }) {
    try {
      const document = await store.getDocument({ bucket, kind: 'tagging', signal });
      return { status: 200, body: document.content };
    } catch (error) {
      if (!isStoreError(error, 'not_found') || error.subject !== 'document') throw error;
      throw new S3Error('NoSuchTagSet', { fields: { BucketName: bucket }, cause: error });
    }
  },
};
