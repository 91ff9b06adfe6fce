import type { Operation } from '../operation.js';
import { objectAddress, versionHeader } from '../parameters/address.js';
import { tagSetXml } from '../parameters/tags.js';
import { xmlDocument } from '../xml.js';

/** S3 API reference, "GetObjectTagging". */
export const getObjectTagging: Operation = {
  name: 'GetObjectTagging',
  action: 's3:GetObjectTagging',
  body: 'none',
  async run(context) {
    const { tags, version_id } = await context.store.getTags(objectAddress(context));
    return {
      status: 200,
      headers: versionHeader(version_id),
      body: xmlDocument('Tagging', tagSetXml(tags)),
    };
  },
};
