import type { UploadAddress } from '../../../adapters/contract/index.js';
import { S3Error } from '../errors.js';
import type { OperationContext } from '../operation.js';

/** The upload that the request names by `uploadId`. */
export function uploadAddress(context: OperationContext): UploadAddress {
  const { bucket, key, query, signal } = context;
  const upload_id = query.get('uploadId') ?? '';
  if (upload_id === '') throw new S3Error('NoSuchUpload', { fields: { UploadId: '' } });
  return { bucket, key, upload_id, signal };
}
