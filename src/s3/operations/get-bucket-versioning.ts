import type { Operation } from '../operation.js';
import { xml } from '../xml.js';

const STATUS = { unversioned: undefined, enabled: 'Enabled', suspended: 'Suspended' } as const;

/** S3 API reference, "GetBucketVersioning": a bucket that never was versioned has no Status. */
export const getBucketVersioning: Operation = {
  name: 'GetBucketVersioning',
  action: 's3:GetBucketVersioning',
  body: 'none',
  async run({ store, bucket, signal }) {
    const { versioning } = await store.headBucket({ bucket, signal });
    return { status: 200, body: xml('VersioningConfiguration', { Status: STATUS[versioning] }) };
  },
};
