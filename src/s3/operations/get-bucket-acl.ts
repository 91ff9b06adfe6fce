import type { Operation } from '../operation.js';
import { accessControlPolicy } from '../parameters/acl.js';

/** S3 API reference, "GetBucketAcl": the owner has all rights, nobody else has any by ACL. */
export const getBucketAcl: Operation = {
  name: 'GetBucketAcl',
  action: 's3:GetBucketAcl',
  body: 'none',
  async run({ store, bucket, credentials, signal }) {
    const { owner } = await store.headBucket({ bucket, signal });
    return { status: 200, body: accessControlPolicy(owner, credentials) };
  },
};
