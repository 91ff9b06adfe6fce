import {
  type CompletedPart,
  type CompleteUploadInput,
  isStoreError,
  type ObjectChecksum,
  type UploadAddress,
} from '../../../adapters/contract/index.js';
import { LIMITS } from '../../../config/limits.js';
import { CHECKSUM_ALGORITHMS } from '../../wire/checksums.js';
import { writeCondition } from '../conditions.js';
import { invalidArgument, S3Error } from '../errors.js';
import type { Operation, OperationContext, Reply } from '../operation.js';
import { requestDocument, versionHeader } from '../parameters/address.js';
import { refuseUnsupported } from '../parameters/attributes.js';
import {
  checksumType,
  checksumXml,
  defaultChecksumType,
  objectChecksumValue,
} from '../parameters/checksums.js';
import { bareEtag, quoteEtag } from '../parameters/etag.js';
import { headerText } from '../parameters/header-text.js';
import { uploadAddress } from '../parameters/upload.js';
import { replyWhenReady } from '../slow-reply.js';
import { children, childText, escapeXml, malformed, type XmlElement, xmlDocument } from '../xml.js';

/** S3 API reference, "CompleteMultipartUpload". */
export const completeMultipartUpload: Operation = {
  name: 'CompleteMultipartUpload',
  action: 's3:PutObject',
  body: 'xml',
  run,
};

async function run(context: OperationContext): Promise<Reply> {
  const { headers } = context;
  for (const name in headers) refuseUnsupported(name, headers);
  const address = uploadAddress(context);
  const condition = writeCondition(headers);
  const size_bytes = objectSize(headerText(headers, 'x-amz-mp-object-size'));
  const document = await requestDocument(context, 'CompleteMultipartUpload', LIMITS.parts_xml_bytes_max);
  const parts = withoutRepeats(children(document, 'Part').map(parsePart));
  if (parts.length === 0 || parts.length > LIMITS.parts_max) {
    throw malformed(`between 1 and ${LIMITS.parts_max} parts make an object`);
  }
  const checksum = await wholeChecksum(context, address, parts.length);
  return replyWhenReady(
    complete(context, {
      ...address,
      parts,
      ...(condition === undefined ? {} : { condition }),
      ...(checksum === undefined ? {} : { checksum }),
      ...(size_bytes === undefined ? {} : { size_bytes }),
    }),
  );
}

const PART_NUMBER = /^\d{1,9}$/;

function parsePart(element: XmlElement): CompletedPart {
  const number = childText(element, 'PartNumber')?.trim();
  const etag = childText(element, 'ETag');
  if (number === undefined || etag === undefined) throw malformed('a Part needs a PartNumber and an ETag');
  const part_number = PART_NUMBER.test(number) ? Number(number) : 0;
  if (part_number < 1 || part_number > LIMITS.parts_max) {
    throw invalidArgument(
      'PartNumber',
      number,
      `Part number must be an integer between 1 and ${LIMITS.parts_max}, inclusive`,
    );
  }
  const checksum = partChecksum(element);
  return { part_number, etag: bareEtag(etag), ...(checksum === undefined ? {} : { checksum }) };
}

/** A part that was uploaded again and is listed again, right behind itself: the last upload is the one that counts. */
function withoutRepeats(parts: readonly CompletedPart[]): CompletedPart[] {
  return parts.filter((part, index) => part.part_number !== parts[index + 1]?.part_number);
}

function partChecksum(element: XmlElement): CompletedPart['checksum'] {
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    const value = childText(element, `Checksum${algorithm}`);
    if (value !== undefined && value !== '') return { algorithm, value };
  }
  return undefined;
}

/**
 * The checksum of the whole object as the client knows it. Its type is that of the upload where no header says it, and
 * clients may leave the number of parts off a composite value.
 */
async function wholeChecksum(
  { headers, store }: OperationContext,
  address: UploadAddress,
  parts_count: number,
): Promise<ObjectChecksum | undefined> {
  const found = objectChecksumValue(headers);
  if (found === undefined) return undefined;
  const { algorithm, value } = found;
  const type = checksumType(headers) ?? (await uploadType(store, address)) ?? defaultChecksumType(algorithm);
  const complete = type === 'FULL_OBJECT' || value.includes('-') ? value : `${value}-${parts_count}`;
  return { algorithm, type, value: complete };
}

async function uploadType(store: OperationContext['store'], address: UploadAddress) {
  try {
    const { upload } = await store.listParts({ ...address, limit: 1 });
    return upload.checksum?.type;
  } catch (error) {
    // Asked again after it was completed, an upload is gone; the store knows that and still answers.
    if (isStoreError(error, 'not_found')) return undefined;
    throw error;
  }
}

const SIZE = /^\d{1,15}$/;

function objectSize(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (SIZE.test(text)) return Number(text);
  throw new S3Error('InvalidRequest', {
    message: 'Value for x-amz-mp-object-size header is invalid.',
    fields: { ArgumentName: 'x-amz-mp-object-size', ArgumentValue: text },
  });
}

async function completeUpload(store: OperationContext['store'], input: CompleteUploadInput) {
  try {
    return await store.completeUpload(input);
  } catch (error) {
    if (!isStoreError(error, 'digest_mismatch') || error.detail.algorithm !== 'size') throw error;
    throw new S3Error('InvalidRequest', {
      message: `The provided 'x-amz-mp-object-size' header value ${input.size_bytes} does not match what was computed.`,
      cause: error,
    });
  }
}

async function complete(context: OperationContext, input: CompleteUploadInput) {
  const { bucket, key, store, base_url } = context;
  const info = await completeUpload(store, input);
  const content =
    `<Location>${escapeXml(base_url)}</Location><Bucket>${escapeXml(bucket)}</Bucket>` +
    `<Key>${escapeXml(key)}</Key><ETag>${escapeXml(quoteEtag(info.etag))}</ETag>` +
    checksumXml(info.checksum, true);
  return {
    headers: versionHeader(info.version_id),
    body: xmlDocument('CompleteMultipartUploadResult', content),
  };
}
