import { isStoreError } from '../../../adapters/contract/index.js';
import { notImplemented, S3Error } from '../errors.js';
import type { Operation, OperationContext, Reply } from '../operation.js';
import { requestDocument } from '../parameters/address.js';
import { childText, malformed } from '../xml.js';

/** S3 API reference, "PutBucketVersioning". */
export const putBucketVersioning: Operation = {
  name: 'PutBucketVersioning',
  action: 's3:PutBucketVersioning',
  body: 'xml',
  run,
};

async function run(context: OperationContext): Promise<Reply> {
  const { store, bucket, signal } = context;
  const document = await requestDocument(context, 'VersioningConfiguration');
  if (childText(document, 'MfaDelete') === 'Enabled') throw notImplemented('MFA delete');
  const status = childText(document, 'Status');
  if (status !== 'Enabled' && status !== 'Suspended') {
    // S3 gives this code, not MalformedXML, where the status alone is missing.
    if (status === undefined) throw new S3Error('IllegalVersioningConfigurationException');
    throw malformed(`Status ${status} is neither Enabled nor Suspended`);
  }
  try {
    await store.putVersioning({
      bucket,
      versioning: status === 'Enabled' ? 'enabled' : 'suspended',
      signal,
    });
  } catch (error) {
    if (!isStoreError(error, 'conflict')) throw error;
    throw new S3Error('InvalidBucketState', {
      message:
        'An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.',
      cause: error,
    });
  }
  return { status: 200 };
}
