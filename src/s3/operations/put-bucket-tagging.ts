import { LIMITS } from '../../../config/limits.js';
import type { Operation } from '../operation.js';
import { requestDocument } from '../parameters/address.js';
import { parseTagging, tagSetXml } from '../parameters/tags.js';
import { xmlDocument } from '../xml.js';

/** S3 API reference, "PutBucketTagging". */
export const putBucketTagging: Operation = {
  name: 'PutBucketTagging',
  action: 's3:PutBucketTagging',
  body: 'xml',
  async run(context) {
    const { store, bucket, signal } = context;
    const tags = parseTagging(await requestDocument(context, 'Tagging'), LIMITS.tags_per_bucket_max);
    const content = xmlDocument('Tagging', tagSetXml(tags));
    await store.putDocument({ bucket, kind: 'tagging', content, signal });
    return { status: 204 };
  },
};
