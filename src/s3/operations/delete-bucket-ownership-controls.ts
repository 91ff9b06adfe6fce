import type { Operation } from '../operation.js';
import { OWNERSHIP_DOCUMENT } from '../ownership.js';

/** S3 API reference, "DeleteBucketOwnershipControls". */
export const deleteBucketOwnershipControls: Operation = {
  name: 'DeleteBucketOwnershipControls',
  action: 's3:PutBucketOwnershipControls',
  body: 'none',
  async run({ store, bucket, signal }) {
    await store.deleteDocument({ bucket, kind: OWNERSHIP_DOCUMENT, signal });
    return { status: 204 };
  },
};
