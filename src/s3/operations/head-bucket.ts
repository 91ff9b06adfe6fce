import type { Operation } from '../operation.js';

/** S3 API reference, "HeadBucket". */
export const headBucket: Operation = {
  name: 'HeadBucket',
  action: 's3:ListBucket',
  body: 'none',
  async run({ store, bucket, region, signal }) {
    const info = await store.headBucket({ bucket, signal });
    return {
      status: 200,
      headers: {
        'x-amz-bucket-region': info.region || region,
        'x-amz-access-point-alias': 'false',
        'content-type': 'application/xml',
      },
    };
  },
};
