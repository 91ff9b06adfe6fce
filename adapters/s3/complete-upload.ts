import { createHash } from 'node:crypto';
import { CompleteMultipartUploadCommand, type CompletedPart as SdkPart } from '@aws-sdk/client-s3';
import {
  type ChecksumAlgorithm,
  type CompletedPart,
  type CompleteUploadInput,
  isStoreError,
  type ObjectChecksum,
  type ObjectInfo,
  type PartInfo,
  StoreError,
  unsupported,
} from '../contract/index.js';
import {
  checksumOfParts,
  chooseParts,
  requireChecksum,
  requirePartOrder,
  requireSize,
} from '../multipart-rules.js';
import { abortable } from './abortable.js';
import { checksumMember } from './checksums.js';
import type { S3Context } from './context.js';
import { toStoreError } from './errors.js';
import { allParts } from './list-parts.js';
import { readInfo } from './read-info.js';
import type { UploadChecksum } from './upload-records.js';
import { quoted, upstreamCondition } from './write-condition.js';

/**
 * The list is compared with the parts that are there before the upstream is asked, so that every upstream refuses the
 * same lists; then the upstream completes atomically. An answer that was lost is found again by the ETag of the object.
 */
export async function completeUpload(context: S3Context, input: CompleteUploadInput): Promise<ObjectInfo> {
  requirePartOrder(input.parts);
  const expected_etag = multipartEtag(input.parts);
  let asked = false;
  try {
    const { parts, checksum: told } = await allParts(context, input);
    const record = await context.uploads.read(input.bucket, input.upload_id, input.signal);
    const checksum = told ?? record?.checksum ?? null;
    const uploaded = new Map(parts.map((part) => [part.part_number, part]));
    const chosen = chooseParts(input.parts, {
      find: (named) => find(context, input, uploaded, named),
      sizeOf: ({ size_bytes }) => size_bytes,
      part_bytes_min: context.capabilities.part_bytes_min,
    });
    requireSize(input.size_bytes, sumOf(chosen));
    if (input.checksum !== undefined && input.checksum.algorithm === checksum?.algorithm)
      checkChecksum(input.checksum, checksum.type, chosen);
    else if (input.checksum !== undefined)
      requireVerified(context, input, input.checksum, chosen, record?.info.checksum ?? null);
    asked = true;
    await complete(context, input, chosen, checksum);
  } catch (cause) {
    const error = await explained(context, input, toStoreError(cause), asked);
    const info = await completedBefore(context, input, expected_etag, error);
    if (info === null) throw error;
    await context.uploads.remove(input.bucket, input.upload_id);
    return info;
  }
  const info = await readInfo(context, addressOf(input));
  await context.uploads.remove(input.bucket, input.upload_id);
  return info;
}

function addressOf({ bucket, key, signal }: CompleteUploadInput) {
  return { bucket, key, signal };
}

/** The ETag of the object that these parts make; null where their ETags are no digests. */
function multipartEtag(parts: readonly CompletedPart[]): string | null {
  const hash = createHash('md5');
  for (const { etag } of parts) {
    if (!/^[0-9a-f]{32}$/.test(etag)) return null;
    hash.update(etag, 'hex');
  }
  return `${hash.digest('hex')}-${parts.length}`;
}

function find(
  context: S3Context,
  input: CompleteUploadInput,
  uploaded: ReadonlyMap<number, PartInfo>,
  named: CompletedPart,
): PartInfo | undefined {
  const part = uploaded.get(named.part_number);
  if (part === undefined || part.etag !== named.etag) return undefined;
  const { checksum: asked } = named;
  if (asked === undefined) return part;
  const known = checksumOfPart(context, input, part, asked.algorithm);
  // One that is not known was checked when the part came; its ETag says that it is still that part.
  return known !== undefined && asked.value !== known.value ? undefined : part;
}

/** What the upstream keeps of it, or what it was verified by here. */
function checksumOfPart(
  { verified_parts }: S3Context,
  input: CompleteUploadInput,
  { part_number, etag, checksum }: PartInfo,
  algorithm: ChecksumAlgorithm,
): ObjectChecksum | undefined {
  if (checksum?.algorithm === algorithm) return checksum;
  return verified_parts.find({ ...input, part_number }, etag, algorithm);
}

function sumOf(parts: readonly PartInfo[]): number {
  return parts.reduce((total, { size_bytes }) => total + size_bytes, 0);
}

/** Of the whole object as the client knows it, against what the parts make that the upstream lists. */
function checkChecksum(
  promised: ObjectChecksum,
  type: UploadChecksum['type'],
  parts: readonly PartInfo[],
): void {
  const pieces = parts.map(({ size_bytes, checksum }) => ({
    size_bytes,
    checksum: Buffer.from(checksum?.value ?? '', 'base64'),
  }));
  const made = checksumOfParts(promised.algorithm, type, pieces).value;
  if (made === promised.value || made.replace(/-\d+$/, '') === promised.value) return;
  throw new StoreError('digest_mismatch', 'the parts do not make the promised checksum', {
    subject: 'upload',
    detail: { algorithm: promised.algorithm },
  });
}

/** The same where the upstream keeps none of that algorithm, out of what the parts were verified by. */
function requireVerified(
  context: S3Context,
  input: CompleteUploadInput,
  promised: ObjectChecksum,
  parts: readonly PartInfo[],
  declared: UploadChecksum | null,
): void {
  const { algorithm } = promised;
  const pieces = parts.map((part) => {
    const known = checksumOfPart(context, input, part, algorithm);
    if (known === undefined) throw unsupported(context.name, `checksums.${algorithm}`);
    return { size_bytes: part.size_bytes, checksum: Buffer.from(known.value, 'base64') };
  });
  const actual = checksumOfParts(algorithm, declared?.type ?? promised.type, pieces);
  requireChecksum(promised, actual, parts.length, declared);
}

async function complete(
  context: S3Context,
  input: CompleteUploadInput,
  parts: readonly PartInfo[],
  checksum: UploadChecksum | null,
): Promise<void> {
  const { bucket, key, upload_id } = input;
  const { if_match, if_none_match, refusal } = await upstreamCondition(context, input, input.condition);
  const Parts = parts.map(
    (part): SdkPart => ({
      PartNumber: part.part_number,
      ETag: `"${part.etag}"`,
      ...(checksum === null || part.checksum === null ? {} : checksumMember(part.checksum)),
    }),
  );
  // The SDK turns an error in an answer with status 200 into an error.
  const command = new CompleteMultipartUploadCommand({
    Bucket: bucket,
    Key: key,
    UploadId: upload_id,
    MultipartUpload: { Parts },
    ...(if_match === undefined ? {} : { IfMatch: quoted(if_match) }),
    ...(if_none_match === undefined ? {} : { IfNoneMatch: quoted(if_none_match) }),
  });
  const answer = await context.upstream.sdk.send(command, abortable(input)).catch((error: unknown) => {
    throw refusal(error);
  });
  if (answer.ETag === undefined) {
    throw new StoreError('unavailable', 'the upstream did not say whether it completed the upload', {
      subject: 'adapter',
    });
  }
}

/**
 * Parts vanish before their upload does while another request completes it, and one that is sent again counts from its
 * first byte on: Garage says then that there are none, or other ones. `asked`: they had been compared, so only another
 * request can have changed them.
 */
async function explained(
  context: S3Context,
  input: CompleteUploadInput,
  error: StoreError,
  asked: boolean,
): Promise<StoreError> {
  if (error.kind !== 'invalid_part' && !(asked && error.kind === 'invalid')) return error;
  try {
    const { parts } = await allParts(context, input);
    const there = new Map(parts.map((part) => [part.part_number, part]));
    const same =
      error.kind === 'invalid_part' && input.parts.every((part) => find(context, input, there, part));
    if (!asked || (!same && parts.length > 0)) return error;
  } catch (cause) {
    const again = toStoreError(cause);
    return again.kind === 'not_found' ? again : error;
  }
  const options = { subject: 'upload', cause: error } as const;
  return new StoreError('conflict', 'another request is changing the upload', options);
}

/** The object, when this very upload was completed before and its answer was lost. */
async function completedBefore(
  context: S3Context,
  input: CompleteUploadInput,
  expected_etag: string | null,
  error: unknown,
): Promise<ObjectInfo | null> {
  if (expected_etag === null || !(await uploadIsGone(context, input, error))) return null;
  try {
    const info = await readInfo(context, addressOf(input));
    return info.etag === expected_etag ? info : null;
  } catch (cause) {
    if (isStoreError(cause, 'not_found') || isStoreError(cause, 'delete_marker')) return null;
    throw cause;
  }
}

async function uploadIsGone(
  context: S3Context,
  input: CompleteUploadInput,
  error: unknown,
): Promise<boolean> {
  if (!isStoreError(error)) return false;
  if (error.kind === 'not_found') return error.subject === 'upload';
  // Servers look at the condition first, which the completed object itself breaks.
  if (error.kind !== 'precondition_failed' && error.kind !== 'conflict' && error.kind !== 'unavailable')
    return false;
  try {
    await allParts(context, input);
    return false;
  } catch (cause) {
    const again = toStoreError(cause);
    return again.kind === 'not_found' && again.subject === 'upload';
  }
}
