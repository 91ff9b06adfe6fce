import { LIMITS } from '../../../config/limits.js';
import { writeCondition } from '../conditions.js';
import { S3Error } from '../errors.js';
import { newObjectAttributes } from '../new-object.js';
import type { Operation, OperationContext, Reply } from '../operation.js';
import { versionHeader } from '../parameters/address.js';
import { bodyExpectation, checksumHeader } from '../parameters/checksums.js';
import { quoteEtag } from '../parameters/etag.js';
import type { ReplyHeaders } from '../parameters/object-headers.js';

/** S3 API reference, "PutObject". */
export const putObject: Operation = { name: 'PutObject', action: 's3:PutObject', body: 'stream', run };

async function run(context: OperationContext): Promise<Reply> {
  const { bucket, key, headers, payload, store, signal } = context;
  const { size_bytes } = payload;
  if (size_bytes > LIMITS.put_bytes_max) {
    throw new S3Error('EntityTooLarge', {
      fields: { ProposedSize: size_bytes, MaxSizeAllowed: LIMITS.put_bytes_max },
    });
  }
  const condition = writeCondition(headers);
  const attributes = await newObjectAttributes(context);
  const expect = bodyExpectation(headers, payload);
  const info = await store.putObject({
    bucket,
    key,
    body: await payload.body(),
    size_bytes,
    attributes,
    expect,
    signal,
    ...(condition === undefined ? {} : { condition }),
  });
  const reply: ReplyHeaders = { etag: quoteEtag(info.etag), ...versionHeader(info.version_id) };
  if (info.checksum !== null) {
    reply[checksumHeader(info.checksum.algorithm)] = info.checksum.value;
    reply['x-amz-checksum-type'] = info.checksum.type;
  }
  return { status: 200, headers: reply };
}
