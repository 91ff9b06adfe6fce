import type { ListPartsResult, PartInfo } from '../../../adapters/contract/index.js';
import { LIMITS } from '../../../config/limits.js';
import type { Operation, OperationContext, Reply } from '../operation.js';
import { checksumXml } from '../parameters/checksums.js';
import { pageLimit, partMarker } from '../parameters/numbers.js';
import { ownerMembers } from '../parameters/owner.js';
import { wholeSecondsXml } from '../parameters/times.js';
import { uploadAddress } from '../parameters/upload.js';
import { escapeXml, xmlDocument } from '../xml.js';

/** S3 API reference, "ListParts". */
export const listParts: Operation = {
  name: 'ListParts',
  action: 's3:ListMultipartUploadParts',
  body: 'none',
  run,
};

async function run(context: OperationContext): Promise<Reply> {
  const { query, store } = context;
  const max = pageLimit('max-parts', query.get('max-parts'), LIMITS.list_keys_max);
  const after = partMarker('part-number-marker', query.get('part-number-marker'));
  const page = await store.listParts({ ...uploadAddress(context), after, limit: Math.max(1, max) });
  const shown = max === 0 ? { ...page, parts: [], next: null } : page;
  return { status: 200, body: xmlDocument('ListPartsResult', partsXml(context, shown, after, max)) };
}

function partsXml(
  { bucket, key, credentials, query }: OperationContext,
  { upload, parts, next }: ListPartsResult,
  after: number,
  max: number,
): string {
  const last = parts.at(-1)?.part_number ?? 0;
  const { checksum } = upload;
  return (
    `<Bucket>${escapeXml(bucket)}</Bucket><Key>${escapeXml(key)}</Key>` +
    `<UploadId>${escapeXml(query.get('uploadId') ?? '')}</UploadId>` +
    `<Initiator>${ownerMembers(upload.initiator, credentials)}</Initiator>` +
    `<Owner>${ownerMembers(upload.owner, credentials)}</Owner>` +
    `<StorageClass>${upload.storage_class || 'STANDARD'}</StorageClass>` +
    `<PartNumberMarker>${after}</PartNumberMarker><NextPartNumberMarker>${last}</NextPartNumberMarker>` +
    `<MaxParts>${max}</MaxParts><IsTruncated>${next !== null}</IsTruncated>` +
    (checksum === null
      ? ''
      : `<ChecksumAlgorithm>${checksum.algorithm}</ChecksumAlgorithm><ChecksumType>${checksum.type}</ChecksumType>`) +
    parts.map(partXml).join('')
  );
}

function partXml(part: PartInfo): string {
  return (
    `<Part><PartNumber>${part.part_number}</PartNumber>` +
    `<LastModified>${wholeSecondsXml(part.modified_at_ms)}</LastModified>` +
    `<ETag>&quot;${part.etag}&quot;</ETag><Size>${part.size_bytes}</Size>${checksumXml(part.checksum, false)}</Part>`
  );
}
