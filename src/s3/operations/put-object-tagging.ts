import { LIMITS } from '../../../config/limits.js';
import type { Operation } from '../operation.js';
import { objectAddress, requestDocument, versionHeader } from '../parameters/address.js';
import { parseTagging } from '../parameters/tags.js';

/** S3 API reference, "PutObjectTagging". */
export const putObjectTagging: Operation = {
  name: 'PutObjectTagging',
  action: 's3:PutObjectTagging',
  body: 'xml',
  async run(context) {
    const address = objectAddress(context);
    const tags = parseTagging(await requestDocument(context, 'Tagging'), LIMITS.tags_per_object_max);
    const { version_id } = await context.store.putTags({ ...address, tags });
    return { status: 200, headers: versionHeader(version_id) };
  },
};
