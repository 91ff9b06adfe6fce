import type { Operation } from '../operation.js';
import { objectAddress, versionHeader } from '../parameters/address.js';

/** S3 API reference, "DeleteObjectTagging". */
export const deleteObjectTagging: Operation = {
  name: 'DeleteObjectTagging',
  action: 's3:DeleteObjectTagging',
  body: 'none',
  async run(context) {
    const { version_id } = await context.store.putTags({ ...objectAddress(context), tags: {} });
    return { status: 204, headers: versionHeader(version_id) };
  },
};
