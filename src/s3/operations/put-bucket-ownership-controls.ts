import type { Operation } from '../operation.js';
import { OWNERSHIP_DOCUMENT, ownershipDocument, parseOwnership } from '../ownership.js';
import { requestDocument } from '../parameters/address.js';

/** S3 API reference, "PutBucketOwnershipControls". */
export const putBucketOwnershipControls: Operation = {
  name: 'PutBucketOwnershipControls',
  action: 's3:PutBucketOwnershipControls',
  body: 'xml',
  async run(context) {
    const { store, bucket, signal } = context;
    const ownership = parseOwnership(await requestDocument(context, 'OwnershipControls'));
    const content = ownershipDocument(ownership);
    await store.putDocument({ bucket, kind: OWNERSHIP_DOCUMENT, content, signal });
    return { status: 200 };
  },
};
