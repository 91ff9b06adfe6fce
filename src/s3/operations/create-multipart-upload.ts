import type { IncomingHttpHeaders } from 'node:http';
import type { CreateUploadInput } from '../../../adapters/contract/index.js';
import { S3Error } from '../errors.js';
import { newObjectAttributes } from '../new-object.js';
import type { Operation, OperationContext, Reply } from '../operation.js';
import { algorithmHeader, checksumType, defaultChecksumType } from '../parameters/checksums.js';
import { xml } from '../xml.js';

/** S3 API reference, "CreateMultipartUpload". */
export const createMultipartUpload: Operation = {
  name: 'CreateMultipartUpload',
  action: 's3:PutObject',
  body: 'none',
  run,
};

async function run(context: OperationContext): Promise<Reply> {
  const { bucket, key, headers, store, identity, signal } = context;
  const checksum = uploadChecksum(headers);
  const attributes = await newObjectAttributes(context);
  const upload = await store.createUpload({
    bucket,
    key,
    attributes,
    initiator: identity.id,
    signal,
    ...(checksum === undefined ? {} : { checksum }),
  });
  return {
    status: 200,
    headers:
      checksum === undefined
        ? {}
        : { 'x-amz-checksum-algorithm': checksum.algorithm, 'x-amz-checksum-type': checksum.type },
    body: xml('InitiateMultipartUploadResult', { Bucket: bucket, Key: key, UploadId: upload.upload_id }),
  };
}

/** Which types go with which algorithms: S3 User Guide, "Checking object integrity in Amazon S3". */
function uploadChecksum(headers: IncomingHttpHeaders): CreateUploadInput['checksum'] {
  const algorithm = algorithmHeader(headers, 'x-amz-checksum-algorithm');
  const type = checksumType(headers);
  if (algorithm === undefined) {
    if (type === undefined) return undefined;
    throw new S3Error('InvalidRequest', {
      message: 'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.',
    });
  }
  const impossible =
    (type === 'COMPOSITE' && algorithm === 'CRC64NVME') ||
    (type === 'FULL_OBJECT' && (algorithm === 'SHA1' || algorithm === 'SHA256'));
  if (impossible) {
    throw new S3Error('InvalidRequest', {
      message: `The ${type} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    });
  }
  return { algorithm, type: type ?? defaultChecksumType(algorithm) };
}
