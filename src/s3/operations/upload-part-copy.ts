import type { Adapter } from '../../../adapters/contract/index.js';
import { LIMITS } from '../../../config/limits.js';
import { type CheckedSource, checkCopySize, checkSource, copyChecked } from '../copy-access.js';
import { S3Error } from '../errors.js';
import type { Operation, OperationContext, Reply } from '../operation.js';
import { refuseUnsupported } from '../parameters/attributes.js';
import { checksumXml } from '../parameters/checksums.js';
import { parseCopySource } from '../parameters/copy-source.js';
import { headerText } from '../parameters/header-text.js';
import { partNumber } from '../parameters/numbers.js';
import { parseCopyRange } from '../parameters/range.js';
import { wholeSecondsXml } from '../parameters/times.js';
import { uploadAddress } from '../parameters/upload.js';
import { replyWhenReady } from '../slow-reply.js';
import { xmlDocument } from '../xml.js';

/** S3 API reference, "UploadPartCopy". */
export const uploadPartCopy: Operation = {
  name: 'UploadPartCopy',
  action: 's3:PutObject',
  body: 'none',
  run,
};

async function run(context: OperationContext): Promise<Reply> {
  const { headers, query } = context;
  for (const name in headers) refuseUnsupported(name, headers);
  const source = parseCopySource(headers);
  const part_number = partNumber(query.get('partNumber'), LIMITS.parts_max);
  const range = parseCopyRange(headerText(headers, 'x-amz-copy-source-range'));
  const checked = await checkSource(context, source);
  checkPart(checked, range);
  const work = copyChecked(context, source, checked, (seen) => {
    checkPart(seen, range);
    return context.store.copyPart({
      ...uploadAddress(context),
      part_number,
      source: range === undefined ? seen.source : { ...seen.source, range },
    });
  });
  return replyWhenReady(replyTo(work));
}

function checkPart({ info: { size_bytes } }: CheckedSource, range: ReturnType<typeof parseCopyRange>): void {
  if (range !== undefined && range.end >= size_bytes) throw beyondEnd(size_bytes);
  checkCopySize(range === undefined ? size_bytes : range.end - range.start + 1);
}

/** Unlike that of a read, a range of a copy is not cut down to the object. */
function beyondEnd(size_bytes: number): S3Error {
  return new S3Error('InvalidRange', {
    message: `Range specified is not valid for source object of size: ${size_bytes}`,
    fields: { ActualObjectSize: size_bytes },
  });
}

async function replyTo(copied: ReturnType<Adapter['copyPart']>) {
  const part = await copied;
  const content =
    `<LastModified>${wholeSecondsXml(part.modified_at_ms)}</LastModified>` +
    `<ETag>&quot;${part.etag}&quot;</ETag>${checksumXml(part.checksum, false)}`;
  return {
    headers:
      part.source_version_id === 'null' ? {} : { 'x-amz-copy-source-version-id': part.source_version_id },
    body: xmlDocument('CopyPartResult', content),
  };
}
