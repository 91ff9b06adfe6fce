import type { Operation } from '../operation.js';
import { refuseUnsupported } from '../parameters/attributes.js';
import { uploadAddress } from '../parameters/upload.js';

/** S3 API reference, "AbortMultipartUpload". */
export const abortMultipartUpload: Operation = {
  name: 'AbortMultipartUpload',
  action: 's3:AbortMultipartUpload',
  body: 'none',
  async run(context) {
    for (const name in context.headers) refuseUnsupported(name, context.headers);
    await context.store.abortUpload(uploadAddress(context));
    return { status: 204 };
  },
};
