import type { ObjectInfo, ObjectPart } from '../../../adapters/contract/index.js';
import { LIMITS } from '../../../config/limits.js';
import { formatHttpDate } from '../../wire/http-date.js';
import { invalidArgument } from '../errors.js';
import type { Operation, OperationContext, Reply } from '../operation.js';
import { objectAddress, readVersionHeader } from '../parameters/address.js';
import { checksumXml } from '../parameters/checksums.js';
import { refuseReadEncryption } from '../parameters/encryption.js';
import { headerText } from '../parameters/header-text.js';
import { pageLimit, partMarker } from '../parameters/numbers.js';
import { xmlDocument } from '../xml.js';

/** S3 API reference, "GetObjectAttributes". */
export const getObjectAttributes: Operation = {
  name: 'GetObjectAttributes',
  action: 's3:GetObjectAttributes',
  body: 'none',
  run,
};

const ATTRIBUTES: ReadonlySet<string> = new Set([
  'ETag',
  'Checksum',
  'ObjectParts',
  'StorageClass',
  'ObjectSize',
]);

async function run(context: OperationContext): Promise<Reply> {
  const { store, headers } = context;
  refuseReadEncryption(headers);
  const wanted = wantedAttributes(headerText(headers, 'x-amz-object-attributes'));
  const max = pageLimit('x-amz-max-parts', headerText(headers, 'x-amz-max-parts'), LIMITS.list_keys_max);
  const after = partMarker('x-amz-part-number-marker', headerText(headers, 'x-amz-part-number-marker'));
  const address = objectAddress(context);
  if (!wanted.has('ObjectParts')) {
    const { info } = await store.headObject(address);
    return reply(info, attributesXml(info, wanted, ''));
  }
  const { info, parts, next } = await store.listObjectParts({ ...address, after, limit: Math.max(1, max) });
  const shown = max === 0 ? [] : parts;
  const partsElement = info.parts_count === null ? '' : partsXml(info.parts_count, shown, next, after, max);
  return reply(info, attributesXml(info, wanted, partsElement));
}

function reply(info: ObjectInfo, body: string): Reply {
  return {
    status: 200,
    headers: {
      'last-modified': formatHttpDate(info.modified_at_ms),
      ...readVersionHeader(info),
    },
    body,
  };
}

function wantedAttributes(header: string | undefined): ReadonlySet<string> {
  const names = (header ?? '').split(',').map((name) => name.trim());
  for (const name of names) {
    if (!ATTRIBUTES.has(name)) {
      throw invalidArgument('x-amz-object-attributes', name, 'Invalid attribute name specified.');
    }
  }
  return new Set(names);
}

function attributesXml(info: ObjectInfo, wanted: ReadonlySet<string>, parts: string): string {
  const checksum = wanted.has('Checksum') ? checksumXml(info.checksum, true) : '';
  return xmlDocument(
    'GetObjectAttributesResponse',
    (wanted.has('ETag') ? `<ETag>${info.etag}</ETag>` : '') +
      (checksum === '' ? '' : `<Checksum>${checksum}</Checksum>`) +
      parts +
      (wanted.has('StorageClass') ? `<StorageClass>${info.storage_class || 'STANDARD'}</StorageClass>` : '') +
      (wanted.has('ObjectSize') ? `<ObjectSize>${info.size_bytes}</ObjectSize>` : ''),
  );
}

function partsXml(
  count: number,
  parts: readonly ObjectPart[],
  next: number | null,
  after: number,
  max: number,
): string {
  const last = parts.at(-1)?.part_number ?? after;
  const items = parts.map(
    (part) =>
      `<Part><PartNumber>${part.part_number}</PartNumber><Size>${part.size_bytes}</Size>` +
      `${checksumXml(part.checksum, false)}</Part>`,
  );
  return (
    `<ObjectParts><PartsCount>${count}</PartsCount><PartNumberMarker>${after}</PartNumberMarker>` +
    `<NextPartNumberMarker>${last}</NextPartNumberMarker><MaxParts>${max}</MaxParts>` +
    `<IsTruncated>${next !== null}</IsTruncated>${items.join('')}</ObjectParts>`
  );
}
