import { LIMITS } from '../../../config/limits.js';
import { S3Error } from '../errors.js';
import type { Operation, OperationContext, Reply } from '../operation.js';
import { refuseUnsupported } from '../parameters/attributes.js';
import { bodyExpectation, checksumHeader } from '../parameters/checksums.js';
import { quoteEtag } from '../parameters/etag.js';
import { partNumber } from '../parameters/numbers.js';
import { uploadAddress } from '../parameters/upload.js';

/** S3 API reference, "UploadPart". */
export const uploadPart: Operation = { name: 'UploadPart', action: 's3:PutObject', body: 'stream', run };

async function run(context: OperationContext): Promise<Reply> {
  const { query, headers, payload, store } = context;
  const { size_bytes } = payload;
  for (const name in headers) refuseUnsupported(name, headers);
  const part_number = partNumber(query.get('partNumber'), LIMITS.parts_max);
  if (size_bytes > LIMITS.part_bytes_max) {
    throw new S3Error('EntityTooLarge', {
      fields: { ProposedSize: size_bytes, MaxSizeAllowed: LIMITS.part_bytes_max },
    });
  }
  const expect = bodyExpectation(headers, payload);
  const part = await store.uploadPart({
    ...uploadAddress(context),
    part_number,
    body: await payload.body(),
    size_bytes,
    expect,
  });
  return {
    status: 200,
    headers: {
      etag: quoteEtag(part.etag),
      ...(part.checksum === null ? {} : { [checksumHeader(part.checksum.algorithm)]: part.checksum.value }),
    },
  };
}
