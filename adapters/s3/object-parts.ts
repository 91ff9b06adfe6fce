import { GetObjectAttributesCommand } from '@aws-sdk/client-s3';
import {
  type ErrorKind,
  type Extent,
  type HeadObjectResult,
  isStoreError,
  type ListObjectPartsResult,
  type ObjectAddress,
  type ObjectInfo,
  type ObjectPart,
  StoreError,
} from '../contract/index.js';
import { abortable } from './abortable.js';
import { type AnswerHeaders, text, toChecksum } from './attributes.js';
import { partChecksum } from './checksums.js';
import type { S3Context } from './context.js';
import { toStoreError } from './errors.js';
import { readInfo } from './read-info.js';

type PartPlace = Omit<HeadObjectResult, 'info'>;

/** Where one part of a finished object lies in it. An object that was not uploaded in parts is its own part 1. */
export async function readPart(
  context: S3Context,
  address: ObjectAddress,
  info: ObjectInfo,
  part_number: number,
): Promise<PartPlace> {
  if (info.parts_count === null) {
    if (part_number === 1) return { range: null };
    throw noSuchPart(info);
  }
  const { range, checksum } = await headPart(context, address, info, part_number);
  if (range === null && info.parts_count !== 1) throw noPlace();
  return checksum === null ? { range } : { range, part_checksum: checksum };
}

interface FoundPart {
  readonly size_bytes: number;
  /** Null: it is the whole object, or the upstream does not say. */
  readonly range: Extent;
  readonly checksum: ObjectPart['checksum'];
}

const CONTENT_RANGE = /^bytes (\d+)-(\d+)\//;

/** HEAD with partNumber answers with the part's size, place and checksum. */
async function headPart(
  context: S3Context,
  { bucket, key, version_id, signal }: ObjectAddress,
  info: ObjectInfo,
  part_number: number,
): Promise<FoundPart> {
  try {
    const { headers } = await context.upstream.sendForText({
      method: 'HEAD',
      bucket,
      key,
      query: { versionId: version_id, partNumber: part_number },
      headers: { 'x-amz-checksum-mode': 'ENABLED', 'if-match': `"${info.etag}"` },
      signal,
    });
    const checksum = toChecksum(headers);
    return { ...placeOf(headers, info), checksum: isOfWhole(info, checksum) ? null : checksum };
  } catch (error) {
    if (!isStoreError(error, 'range_not_satisfiable') && !isStoreError(error, 'invalid')) throw error;
    const address = { bucket, key, version_id, signal };
    if (await isEmptyPart(context, address, part_number)) return EMPTY_PART;
    throw noSuchPart(info);
  }
}

/** Content-Range before Content-Length, which proxies leave out of answers to HEAD, or set to 0. */
function placeOf(headers: AnswerHeaders, info: ObjectInfo): Omit<FoundPart, 'checksum'> {
  const match = CONTENT_RANGE.exec(text(headers, 'content-range') ?? '');
  if (match !== null) {
    const range = { start: Number(match[1]), end: Number(match[2]) };
    const size_bytes = range.end - range.start + 1;
    // As versitygw writes an empty one, `bytes 100-99/200`.
    return { size_bytes, range: size_bytes === 0 ? 'empty' : range };
  }
  const length = text(headers, 'content-length');
  if (length === '0') return { size_bytes: 0, range: 'empty' };
  if (info.parts_count === 1) return { size_bytes: info.size_bytes, range: null };
  if (length === undefined) throw noPlace();
  return { size_bytes: Number(length), range: null };
}

function noPlace(): StoreError {
  return new StoreError('unexpected', 'the upstream does not say where the part lies', {
    subject: 'adapter',
  });
}

const EMPTY_PART: FoundPart = { size_bytes: 0, range: 'empty', checksum: null };

/**
 * MinIO refuses to read an empty part behind others, for want of a range, but lists it. Where the listing fails, that the
 * part could not be read is still known.
 */
async function isEmptyPart(
  context: S3Context,
  address: ObjectAddress,
  part_number: number,
): Promise<boolean> {
  if (!context.habits.tells_object_parts) return false;
  try {
    const parts = await attributeParts(context, { ...address, after: part_number - 1, limit: 1 });
    return parts?.some((part) => part.part_number === part_number && part.size_bytes === 0) ?? false;
  } catch {
    address.signal?.throwIfAborted();
    return false;
  }
}

/** Some servers show the checksum of the whole object with each part. A composite one ends with the number of parts. */
function isOfWhole({ checksum, parts_count }: ObjectInfo, shown: ObjectPart['checksum']): boolean {
  if (shown === null) return false;
  return shown.value.includes('-') || (parts_count !== 1 && shown.value === checksum?.value);
}

function noSuchPart({ size_bytes }: ObjectInfo): StoreError {
  return new StoreError('range_not_satisfiable', 'the object has no such part', {
    subject: 'part',
    detail: { size_bytes },
  });
}

/** After these the parts are asked for one by one. */
const ELSEWHERE: ReadonlySet<ErrorKind> = new Set([
  'unsupported',
  'invalid',
  'delete_marker',
  'access_denied',
]);

/** How many parts are looked at side by side where the upstream lists none. */
const HEADS_AT_ONCE = 8;

export async function listObjectParts(
  context: S3Context,
  input: ObjectAddress & { readonly after?: number; readonly limit: number },
): Promise<ListObjectPartsResult> {
  const info = await readInfo(context, input);
  const count = info.parts_count;
  if (count === null) return { info, parts: [], next: null };
  const first = (input.after ?? 0) + 1;
  const last = Math.min(count, first + input.limit - 1);
  const told = context.habits.tells_object_parts ? await attributeParts(context, input) : null;
  const parts = told ?? (await headParts(context, input, info, first, last));
  return { info, parts, next: last < count ? last : null };
}

/**
 * Null where the upstream does not tell parts this way: AWS does not of objects that were uploaded without checksums, nor
 * to a key without s3:GetObjectAttributes.
 */
async function attributeParts(
  context: S3Context,
  input: ObjectAddress & { readonly after?: number; readonly limit: number },
): Promise<ObjectPart[] | null> {
  try {
    const answer = await context.upstream.sdk.send(
      new GetObjectAttributesCommand({
        Bucket: input.bucket,
        Key: input.key,
        VersionId: input.version_id,
        MaxParts: input.limit,
        PartNumberMarker: input.after === undefined ? undefined : String(input.after),
        ObjectAttributes: ['ObjectParts'],
      }),
      abortable(input),
    );
    const parts = answer.ObjectParts?.Parts;
    if (parts === undefined || parts.length === 0) return null;
    return parts.map((part) => ({
      part_number: part.PartNumber ?? 0,
      size_bytes: part.Size ?? 0,
      checksum: partChecksum(part),
    }));
  } catch (error) {
    const { kind } = toStoreError(error);
    if (ELSEWHERE.has(kind)) return null;
    throw error;
  }
}

async function headParts(
  context: S3Context,
  address: ObjectAddress,
  info: ObjectInfo,
  first: number,
  last: number,
): Promise<ObjectPart[]> {
  const parts: ObjectPart[] = [];
  for (let from = first; from <= last; from += HEADS_AT_ONCE) {
    const count = Math.min(HEADS_AT_ONCE, last - from + 1);
    const found = await Promise.all(
      Array.from({ length: count }, async (_, index) => {
        const part_number = from + index;
        const { size_bytes, checksum } = await headPart(context, address, info, part_number);
        return { part_number, size_bytes, checksum };
      }),
    );
    parts.push(...found);
  }
  return parts;
}
