import type { Operation } from '../operation.js';

/** S3 API reference, "DeleteBucketTagging". */
export const deleteBucketTagging: Operation = {
  name: 'DeleteBucketTagging',
  action: 's3:PutBucketTagging',
  body: 'none',
  async run({ store, bucket, signal }) {
    await store.deleteDocument({ bucket, kind: 'tagging', signal });
    return { status: 204 };
  },
};
