import { ListPartsCommand } from '@aws-sdk/client-s3';
import {
  type ChecksumAlgorithm,
  type ListPartsInput,
  type ListPartsResult,
  type PartInfo,
  StoreError,
  type UploadAddress,
  type UploadInfo,
} from '../contract/index.js';
import { abortable } from './abortable.js';
import { bareEtag } from './attributes.js';
import { partChecksum } from './checksums.js';
import type { S3Context } from './context.js';
import { toStoreError } from './errors.js';
import type { UploadChecksum } from './upload-records.js';

/** Of uploads that were not begun here only the upstream knows them. */
export async function checksumsOfUpload(
  context: S3Context,
  input: UploadAddress,
): Promise<{
  /** What the client named when it began. */
  readonly declared?: ChecksumAlgorithm | undefined;
  /** What the upstream was told, and asks of each part. */
  readonly told?: ChecksumAlgorithm | undefined;
}> {
  const record = await context.uploads.read(input.bucket, input.upload_id, input.signal);
  if (record !== null) {
    return { declared: record.info.checksum?.algorithm, told: record.checksum?.algorithm };
  }
  const { checksum } = await listUpstreamParts(context, { ...input, limit: 1 });
  return { told: checksum?.algorithm };
}

export async function listParts(context: S3Context, input: ListPartsInput): Promise<ListPartsResult> {
  const [{ parts, next, upload }, record] = await Promise.all([
    listUpstreamParts(context, input),
    context.uploads.read(input.bucket, input.upload_id, input.signal),
  ]);
  return { upload: record?.info ?? upload, parts, next };
}

export interface UpstreamParts {
  readonly upload: UploadInfo;
  readonly checksum: UploadChecksum | null;
  readonly parts: readonly PartInfo[];
  readonly next: number | null;
}

export async function listUpstreamParts(context: S3Context, input: ListPartsInput): Promise<UpstreamParts> {
  const { bucket, key, upload_id, after, limit } = input;
  const command = new ListPartsCommand({
    Bucket: bucket,
    Key: key,
    UploadId: upload_id,
    MaxParts: limit,
    ...(after === undefined ? {} : { PartNumberMarker: String(after) }),
  });
  const answer = await context.upstream.sdk.send(command, abortable(input)).catch((error: unknown) => {
    throw toStoreError(error);
  });
  const parts = (answer.Parts ?? []).map((part) => ({
    part_number: part.PartNumber ?? 0,
    etag: bareEtag(part.ETag ?? ''),
    size_bytes: part.Size ?? 0,
    modified_at_ms: part.LastModified?.getTime() ?? 0,
    checksum: partChecksum(part),
  }));
  const checksum = toUploadChecksum(answer.ChecksumAlgorithm, answer.ChecksumType);
  const upload: UploadInfo = {
    key,
    upload_id,
    created_at_ms: 0,
    owner: '',
    initiator: '',
    storage_class: answer.StorageClass ?? 'STANDARD',
    checksum,
  };
  return {
    upload,
    checksum,
    parts,
    next: answer.IsTruncated === true ? (parts.at(-1)?.part_number ?? null) : null,
  };
}

function toUploadChecksum(algorithm: string | undefined, type: string | undefined): UploadChecksum | null {
  if (algorithm === undefined || algorithm === '') return null;
  const full = type === 'FULL_OBJECT' || (type === undefined && algorithm === 'CRC64NVME');
  return { algorithm: algorithm as ChecksumAlgorithm, type: full ? 'FULL_OBJECT' : 'COMPOSITE' };
}

/** All parts of an upload, whatever their number. Fails with not_found (upload). */
export async function allParts(context: S3Context, input: UploadAddress): Promise<UpstreamParts> {
  const parts: PartInfo[] = [];
  let after: number | undefined;
  for (;;) {
    const page = await listUpstreamParts(context, {
      ...input,
      limit: context.capabilities.list_limit_max,
      ...(after === undefined ? {} : { after }),
    });
    parts.push(...page.parts);
    if (page.next === null) return { ...page, parts };
    if (after !== undefined && page.next <= after) {
      throw new StoreError('unexpected', 'the listing of parts does not end', { subject: 'adapter' });
    }
    after = page.next;
  }
}
