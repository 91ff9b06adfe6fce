import type { ListUploadsResult, UploadInfo, UploadPosition } from '../../../adapters/contract/index.js';
import type { Operation, OperationContext, Reply } from '../operation.js';
import {
  commonPrefixXml,
  type ListParameters,
  listPage,
  listParameters,
  optionalXml,
} from '../parameters/listing.js';
import { ownerWriter } from '../parameters/owner.js';
import { wholeSecondsXml } from '../parameters/times.js';
import { escapeXml, xmlDocument } from '../xml.js';

/** S3 API reference, "ListMultipartUploads". */
export const listMultipartUploads: Operation = {
  name: 'ListMultipartUploads',
  action: 's3:ListBucketMultipartUploads',
  body: 'none',
  run,
};

async function run(context: OperationContext): Promise<Reply> {
  const { query, bucket, store } = context;
  const parameters = listParameters(query, 'max-uploads');
  const { text, delimiter } = parameters;
  const keyMarker = query.get('key-marker') ?? '';
  // S3 ignores the upload id marker where the key marker is missing.
  const uploadMarker = keyMarker === '' ? '' : (query.get('upload-id-marker') ?? '');
  const page = await listPage(context, parameters, position(keyMarker, uploadMarker), (input) =>
    store.listUploads(input),
  );
  const body =
    `<Bucket>${escapeXml(bucket)}</Bucket><KeyMarker>${text(keyMarker)}</KeyMarker>` +
    `<UploadIdMarker>${escapeXml(uploadMarker)}</UploadIdMarker>` +
    nextXml(page.next, text) +
    `<Prefix>${text(parameters.prefix)}</Prefix>` +
    optionalXml('Delimiter', delimiter === undefined ? undefined : text(delimiter)) +
    optionalXml('EncodingType', parameters.encoding) +
    `<MaxUploads>${parameters.max_keys}</MaxUploads><IsTruncated>${page.next !== null}</IsTruncated>` +
    uploadsXml(context, page, text);
  return { status: 200, body: xmlDocument('ListMultipartUploadsResult', body) };
}

function position(key: string, upload_id: string): UploadPosition | undefined {
  if (key === '') return undefined;
  return upload_id === '' ? { key } : { key, upload_id };
}

function nextXml(next: UploadPosition | null, text: ListParameters['text']): string {
  if (next === null) return '';
  return (
    `<NextKeyMarker>${text(next.key)}</NextKeyMarker>` +
    `<NextUploadIdMarker>${escapeXml(next.upload_id ?? '')}</NextUploadIdMarker>`
  );
}

function uploadsXml(
  { credentials }: OperationContext,
  page: ListUploadsResult,
  text: ListParameters['text'],
): string {
  const owner = ownerWriter(credentials);
  const initiator = ownerWriter(credentials, 'Initiator');
  let uploads = '';
  let prefixes = '';
  for (const entry of page.entries) {
    if (entry.type === 'prefix') prefixes += commonPrefixXml(entry.prefix, text);
    else {
      uploads += uploadXml(entry.item, text, initiator(entry.item.initiator) + owner(entry.item.owner));
    }
  }
  return uploads + prefixes;
}

function uploadXml(upload: UploadInfo, text: ListParameters['text'], people: string): string {
  const checksum =
    upload.checksum === null
      ? ''
      : `<ChecksumAlgorithm>${upload.checksum.algorithm}</ChecksumAlgorithm>` +
        `<ChecksumType>${upload.checksum.type}</ChecksumType>`;
  return (
    `<Upload><Key>${text(upload.key)}</Key><UploadId>${escapeXml(upload.upload_id)}</UploadId>${people}` +
    `<StorageClass>${upload.storage_class || 'STANDARD'}</StorageClass>` +
    `<Initiated>${wholeSecondsXml(upload.created_at_ms)}</Initiated>${checksum}</Upload>`
  );
}
