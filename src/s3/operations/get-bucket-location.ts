import type { Operation } from '../operation.js';
import { escapeXml, xmlDocument } from '../xml.js';

/** S3 API reference, "GetBucketLocation": us-east-1 is shown as an empty constraint. */
export const getBucketLocation: Operation = {
  name: 'GetBucketLocation',
  action: 's3:GetBucketLocation',
  body: 'none',
  async run({ store, bucket, region, signal }) {
    const info = await store.headBucket({ bucket, signal });
    const location = info.region || region;
    return {
      status: 200,
      body: xmlDocument('LocationConstraint', location === 'us-east-1' ? '' : escapeXml(location)),
    };
  },
};
