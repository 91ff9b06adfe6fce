import type { Operation } from '../operation.js';

/** S3 API reference, "DeleteBucket". */
export const deleteBucket: Operation = {
  name: 'DeleteBucket',
  action: 's3:DeleteBucket',
  body: 'none',
  async run({ store, bucket, signal }) {
    await store.deleteBucket({ bucket, signal });
    return { status: 204 };
  },
};
