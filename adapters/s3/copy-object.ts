import { LIMITS } from '../../config/limits.js';
import { combineFullObject } from '../../src/wire/checksums.js';
import { childText } from '../../src/wire/xml.js';
import { evaluateSourceCondition } from '../conditions.js';
import {
  type CopyObjectInput,
  type CopyObjectResult,
  type ObjectAddress,
  type ObjectAttributes,
  type ObjectChecksum,
  type ObjectInfo,
  type PartInfo,
  StoreError,
} from '../contract/index.js';
import { toHeaders } from './attributes.js';
import { completeUpload } from './complete-upload.js';
import type { S3Context } from './context.js';
import { copySource, readCopyResult } from './copy-source.js';
import { withChecksum } from './kept-checksum.js';
import { untilCopyStands } from './lost-copy.js';
import { copyPart } from './parts.js';
import { putObject, toldAlgorithm } from './put-object.js';
import { readInfo } from './read-info.js';
import { getObject } from './read-object.js';
import { getTags } from './tags-and-locks.js';
import { abortUpload, createUpload } from './uploads.js';
import type { UpstreamRequest } from './upstream.js';
import { withSeen } from './with-seen.js';
import { conditionHeaders, upstreamCondition } from './write-condition.js';

/**
 * The copy's attributes are always written out: what of them lies in our own metadata (owner, system attributes) is never
 * that of the source. The source is pinned to the version that was looked at.
 */
export async function copyObject(context: S3Context, input: CopyObjectInput): Promise<CopyObjectResult> {
  const address = sourceAddress(input);
  await context.buckets.info(input.bucket, input.signal);
  const look = async () => {
    const source = await readInfo(context, address);
    evaluateSourceCondition(source, input.source.condition);
    return source;
  };
  const copy = async (source: ObjectInfo) => {
    const attributes = await attributesOfCopy(context, input, address, source);
    const way = wayOf(context, input, source);
    const info = await way(context, input, source, attributes);
    return { info, source_version_id: source.version_id };
  };
  // With a condition of the caller's nobody knows whose it was that did not hold.
  return input.condition === undefined ? withSeen(look, copy) : copy(await look());
}

type Way = (
  context: S3Context,
  input: CopyObjectInput,
  source: ObjectInfo,
  attributes: ObjectAttributes,
) => Promise<ObjectInfo>;

/** What the upstream cannot do in one step on its own side is done in another that is as atomic. */
function wayOf({ habits, copies, capabilities }: S3Context, input: CopyObjectInput, source: ObjectInfo): Way {
  const conditional = input.condition !== undefined && !habits.conditional_copy;
  const large = source.size_bytes > copies.once_bytes_max;
  if (input.one_piece === true && source.size_bytes <= capabilities.put_bytes_max)
    return conditional || large ? copyThrough : copyUpstream;
  if (large || (conditional && source.size_bytes > LIMITS.upstream_copy_through_bytes_max))
    return copyInParts;
  return conditional ? copyThrough : copyUpstream;
}

function sourceAddress({ source, signal }: CopyObjectInput): ObjectAddress {
  const { bucket, key, version_id } = source;
  return {
    bucket,
    key,
    version_id,
    signal,
  };
}

async function attributesOfCopy(
  context: S3Context,
  input: CopyObjectInput,
  address: ObjectAddress,
  source: ObjectInfo,
): Promise<ObjectAttributes> {
  const { headers, metadata, tags, ...rest } = input.attributes ?? {};
  const described = input.replace_attributes ? { headers, metadata } : source;
  const kept_tags = source.tags_count > 0 ? (await getTags(context, address)).tags : {};
  return {
    ...rest,
    headers: described.headers ?? {},
    metadata: described.metadata ?? {},
    ...(context.capabilities.tagging ? { tags: input.replace_tags ? (tags ?? {}) : kept_tags } : {}),
  };
}

const copyUpstream: Way = async (context, input, source, attributes) => {
  const { bucket, key, signal } = input;
  const condition = await upstreamCondition(context, input, input.condition);
  const request: UpstreamRequest = {
    method: 'PUT',
    bucket,
    key,
    headers: {
      ...withChecksum(toHeaders(attributes, context.habits), ours(context, source), source.size_bytes)
        .headers,
      ...conditionHeaders(condition),
      'x-amz-copy-source': copySource(input.source, source),
      'x-amz-copy-source-if-match': `"${source.etag}"`,
      'x-amz-metadata-directive': 'REPLACE',
      'x-amz-tagging-directive': context.capabilities.tagging ? 'REPLACE' : undefined,
      'x-amz-checksum-algorithm': toldAlgorithm(
        context,
        input.checksum_algorithm ?? source.checksum?.algorithm,
      ),
    },
    signal,
  };
  const { answer, result } = await untilCopyStands(context, input, async () => {
    const answer = await context.upstream.sendForText(request).catch((error: unknown) => {
      throw condition.refusal(error);
    });
    return { answer, result: readCopyResult(answer, 'CopyObjectResult') };
  });
  const version_id = answer.headers['x-amz-version-id'];
  const written = { bucket, key, signal };
  const info = await readInfo(context, {
    ...written,
    ...(context.capabilities.versioning && typeof version_id === 'string' && version_id !== 'null'
      ? { version_id }
      : {}),
  });
  const modified_at_ms = Date.parse(childText(result, 'LastModified') ?? '');
  return Number.isNaN(modified_at_ms) || Math.abs(modified_at_ms - info.modified_at_ms) < 1_000
    ? info
    : { ...info, modified_at_ms };
};

/**
 * Through this process: for objects with a condition on the target that the upstream knows on puts only. Small ones, and
 * those that must stay of one piece.
 */
const copyThrough: Way = async (context, input, source, attributes) => {
  const { condition, signal } = input;
  const read = await getObject(context, { ...sourceAddress(input), condition: { if_match: [source.etag] } });
  const algorithm = input.checksum_algorithm ?? source.checksum?.algorithm;
  const known = ours(context, source);
  return putObject(context, {
    bucket: input.bucket,
    key: input.key,
    body: read.body,
    size_bytes: source.size_bytes,
    attributes,
    ...(algorithm === undefined
      ? {}
      : {
          expect: {
            checksum: { algorithm, value: () => (known?.algorithm === algorithm ? known.value : undefined) },
          },
        }),
    ...(condition === undefined ? {} : { condition }),
    signal,
  });
};

/** As an upload of copied parts, whose completion is the one atomic step. */
const copyInParts: Way = async (context, input, source, attributes) => {
  const { bucket, key, condition, signal } = input;
  const checksum = checksumOfCopy(context, input, source);
  const known = ours(context, source);
  const whole = known === null ? undefined : { checksum: known, size_bytes: source.size_bytes };
  const begun = { bucket, key, attributes, ...checksum, signal };
  const { upload_id } = await createUpload(context, begun, whole);
  const upload = { bucket, key, upload_id, signal };
  try {
    const parts: PartInfo[] = [];
    for (const [index, range] of partRanges(source.size_bytes, context.copies.part_bytes).entries()) {
      const { bucket: from, key: source_key } = input.source;
      const { version_id = input.source.version_id } = source.version_id === 'null' ? {} : source;
      const part_source = {
        bucket: from,
        key: source_key,
        version_id,
        range,
        condition: { if_match: [source.etag] },
      };
      parts.push(await copyPart(context, { ...upload, part_number: index + 1, source: part_source }));
    }
    compareWhole(source, parts);
    const named = parts.map(({ part_number, etag }) => ({ part_number, etag }));
    return await completeUpload(context, {
      ...upload,
      parts: named,
      ...(condition === undefined ? {} : { condition }),
    });
  } catch (error) {
    await abortUpload(context, { bucket, key, upload_id }).catch(() => undefined);
    throw error;
  }
};

/** Parts of equal size, as few as may be. */
function partRanges(
  size_bytes: number,
  part_bytes: number,
): { readonly start: number; readonly end: number }[] {
  const step = Math.max(part_bytes, Math.ceil(size_bytes / LIMITS.parts_max));
  const ranges = [];
  for (let start = 0; start < size_bytes; start += step) {
    ranges.push({ start, end: Math.min(start + step, size_bytes) - 1 });
  }
  return ranges;
}

/** That of the source, or what was asked for. Only CRCs have a value of the whole that parts make (AWS too). */
function checksumOfCopy(context: S3Context, input: CopyObjectInput, { checksum }: ObjectInfo) {
  const algorithm = toldAlgorithm(context, input.checksum_algorithm ?? checksum?.algorithm);
  if (algorithm === undefined) return {};
  const type = algorithm.startsWith('CRC') ? ('FULL_OBJECT' as const) : ('COMPOSITE' as const);
  return { checksum: { algorithm, type } };
}

/** What the upstream does not keep and the copy has too: the same bytes. */
function ours(context: S3Context, { checksum }: ObjectInfo): ObjectChecksum | null {
  if (checksum?.type !== 'FULL_OBJECT') return null;
  return toldAlgorithm(context, checksum.algorithm) === undefined ? checksum : null;
}

/** What was copied must be what the source was; nobody has seen it yet. */
function compareWhole({ checksum }: ObjectInfo, parts: readonly PartInfo[]): void {
  if (checksum?.type !== 'FULL_OBJECT' || !checksum.algorithm.startsWith('CRC')) return;
  const known = parts.filter((part) => part.checksum?.algorithm === checksum.algorithm);
  if (known.length < parts.length) return;
  const whole = combineFullObject(
    checksum.algorithm,
    known.map(({ size_bytes, checksum: of_part }) => ({
      size_bytes,
      checksum: Buffer.from(of_part?.value ?? '', 'base64'),
    })),
  );
  if (whole.toString('base64') === checksum.value) return;
  throw new StoreError('corrupt', `the copied parts do not make the ${checksum.algorithm} of the source`);
}
