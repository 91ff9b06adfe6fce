import { AbortMultipartUploadCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { childText } from '../../src/wire/xml.js';
import {
  type BucketAddress,
  type CreateUploadInput,
  isStoreError,
  type ListUploadsInput,
  type ListUploadsResult,
  type ObjectChecksum,
  type UploadAddress,
  type UploadInfo,
} from '../contract/index.js';
import { abortable } from './abortable.js';
import { toHeaders } from './attributes.js';
import type { S3Context } from './context.js';
import { toStoreError } from './errors.js';
import { withChecksum } from './kept-checksum.js';
import { listUpstreamParts } from './list-parts.js';
import { endlessListing, readListing } from './listing.js';
import { toldAlgorithm } from './put-object.js';
import { pageOfUploads } from './upload-page.js';
import type { UploadChecksum } from './upload-records.js';

/** `whole`: of the object that the parts will make, where that is known and the upstream keeps none. */
export async function createUpload(
  context: S3Context,
  input: CreateUploadInput,
  whole?: { readonly checksum: ObjectChecksum; readonly size_bytes: number },
): Promise<UploadInfo> {
  const { bucket, key, attributes = {}, signal } = input;
  const told = toldAlgorithm(context, input.checksum?.algorithm);
  const checksum = (told && input.checksum) ?? defaultChecksum(context);
  const plain = toHeaders(attributes, context.habits);
  const answer = await context.upstream.sendForText({
    method: 'POST',
    bucket,
    key,
    query: { uploads: '' },
    headers: {
      ...withChecksum(plain, whole?.checksum ?? null, whole?.size_bytes ?? 0).headers,
      'x-amz-checksum-algorithm': checksum?.algorithm,
      'x-amz-checksum-type': checksum?.type,
    },
    signal,
  });
  const upload_id = childText(readListing(answer.text, 'InitiateMultipartUploadResult'), 'UploadId') ?? '';
  const info: UploadInfo = {
    key,
    upload_id,
    created_at_ms: Date.now(),
    owner: attributes.owner ?? '',
    initiator: input.initiator ?? '',
    storage_class: attributes.storage_class ?? 'STANDARD',
    checksum: input.checksum ?? null,
    system: attributes.system ?? {},
  };
  try {
    await context.uploads.write(bucket, { info, checksum }, signal);
  } catch (error) {
    // Nobody will ever know this upload's id.
    await abortUpstream(context, { bucket, key, upload_id }).catch(() => undefined);
    throw error;
  }
  return info;
}

function defaultChecksum({ capabilities }: S3Context): UploadChecksum | null {
  if (!capabilities.checksums.includes('CRC64NVME')) return null;
  return { algorithm: 'CRC64NVME', type: 'FULL_OBJECT' };
}

export async function abortUpload(context: S3Context, input: UploadAddress): Promise<void> {
  // MinIO answers with success whatever the id.
  await listUpstreamParts(context, { ...input, limit: 1 });
  await abortUpstream(context, input);
  await context.uploads.remove(input.bucket, input.upload_id);
}

async function abortUpstream(context: S3Context, input: UploadAddress): Promise<void> {
  const { bucket, key, upload_id } = input;
  const command = new AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: upload_id });
  await context.upstream.sdk.send(command, abortable(input));
}

export async function listUploads(context: S3Context, input: ListUploadsInput): Promise<ListUploadsResult> {
  await context.buckets.info(input.bucket, input.signal);
  return pageOfUploads(await allUploads(context, input), input);
}

/**
 * All unfinished uploads of a bucket: those of our records, and those that the upstream lists beside them. Few buckets
 * have more than a handful; servers disagree in how they page them.
 */
export async function allUploads(
  context: S3Context,
  { bucket, signal }: BucketAddress,
): Promise<UploadInfo[]> {
  const recorded = (await context.uploads.list(bucket, signal)).map(({ info }) => info);
  if (!context.habits.lists_uploads) return recorded;
  const upstream = await upstreamUploads(context, { bucket, signal });
  const known = new Map(recorded.map((info) => [info.upload_id, info]));
  return upstream.map((info) => known.get(info.upload_id) ?? info);
}

async function upstreamUploads(context: S3Context, input: BucketAddress): Promise<UploadInfo[]> {
  const found: UploadInfo[] = [];
  let marker: { KeyMarker?: string; UploadIdMarker?: string } = {};
  for (;;) {
    const command = new ListMultipartUploadsCommand({ Bucket: input.bucket, ...marker });
    const answer = await context.upstream.sdk.send(command, abortable(input));
    for (const upload of answer.Uploads ?? []) {
      found.push({
        key: upload.Key ?? '',
        upload_id: upload.UploadId ?? '',
        created_at_ms: upload.Initiated?.getTime() ?? 0,
        owner: '',
        initiator: '',
        storage_class: upload.StorageClass || 'STANDARD',
        checksum: null,
      });
    }
    const { IsTruncated, NextKeyMarker, NextUploadIdMarker } = answer;
    if (IsTruncated !== true || !NextKeyMarker) return found;
    if (NextKeyMarker === marker.KeyMarker && NextUploadIdMarker === marker.UploadIdMarker)
      throw endlessListing();
    marker = {
      KeyMarker: NextKeyMarker,
      ...(NextUploadIdMarker === undefined ? {} : { UploadIdMarker: NextUploadIdMarker }),
    };
  }
}

/** With their bucket: of what is gone already only the record is left. */
export async function endUploads(
  context: S3Context,
  bucket: string,
  uploads: readonly UploadInfo[],
): Promise<void> {
  for (const { key, upload_id } of uploads) {
    try {
      await abortUpstream(context, { bucket, key, upload_id });
    } catch (cause) {
      const error = toStoreError(cause);
      if (!isStoreError(error, 'not_found')) throw error;
    }
    await context.uploads.remove(bucket, upload_id);
  }
}
