import { childText } from '../../src/wire/xml.js';
import { evaluateSourceCondition, rangeBytes, resolveRange } from '../conditions.js';
import {
  type ChecksumAlgorithm,
  type CopyPartInput,
  isStoreError,
  type ObjectInfo,
  type PartInfo,
  type ResolvedRange,
  type UploadAddress,
  type UploadPartInput,
} from '../contract/index.js';
import { requirePartAlgorithm } from '../multipart-rules.js';
import { bareEtag, text, toChecksum } from './attributes.js';
import { partChecksum } from './checksums.js';
import type { S3Context } from './context.js';
import { copySource, readCopyResult } from './copy-source.js';
import { wasCutOff } from './cut-off.js';
import { checksumsOfUpload, listUpstreamParts } from './list-parts.js';
import { sendBody, toldAlgorithm } from './put-object.js';
import { readInfo } from './read-info.js';
import { getObject } from './read-object.js';
import { withSeen } from './with-seen.js';

export async function uploadPart(context: S3Context, input: UploadPartInput): Promise<PartInfo> {
  const { bucket, key, upload_id, part_number, size_bytes, expect } = input;
  const algorithm = await partAlgorithm(context, input, expect?.checksum?.algorithm);
  const { answer, outgoing } = await sendBody(context, input, algorithm, () => ({
    method: 'PUT',
    bucket,
    key,
    query: { partNumber: part_number, uploadId: upload_id },
  })).catch(async (error: unknown) => {
    throw await explained(context, input, error);
  });
  const etag = bareEtag(text(answer.headers, 'etag') ?? '');
  const { asked, checksum } = outgoing.seen;
  const keeps = toldAlgorithm(context, asked?.algorithm) !== undefined;
  if (asked !== null && asked.algorithm !== checksum?.algorithm)
    context.verified_parts.add(input, etag, asked);
  return {
    part_number,
    etag,
    size_bytes,
    modified_at_ms: Date.parse(text(answer.headers, 'date') ?? '') || Date.now(),
    // None that the upstream cannot keep: clients name it again when they complete, maybe to another node.
    checksum: (keeps ? asked : null) ?? toChecksum(answer.headers) ?? checksum,
  };
}

/** The upload may have been aborted meanwhile, and the answer that said so lost. */
async function explained(context: S3Context, input: UploadPartInput, error: unknown): Promise<unknown> {
  if (!wasCutOff(error)) return error;
  const { bucket, key, upload_id, signal } = input;
  try {
    await listUpstreamParts(context, { bucket, key, upload_id, signal, limit: 1 });
  } catch (cause) {
    if (isStoreError(cause, 'not_found')) return cause;
  }
  return error;
}

/**
 * What the upstream is told: parts must come with the checksum that their upload was begun with. Where the client named
 * none at the beginning its parts may bring any, which is checked here.
 */
async function partAlgorithm(
  context: S3Context,
  input: UploadAddress,
  asked: ChecksumAlgorithm | undefined,
): Promise<ChecksumAlgorithm | undefined> {
  const { declared, told } = await checksumsOfUpload(context, input);
  requirePartAlgorithm(declared, asked);
  return told ?? toldAlgorithm(context, asked);
}

/**
 * By the upstream where it can: not where the upload has a checksum that the upstream does not compute of copies. Then
 * the bytes take the way through here.
 */
export async function copyPart(
  context: S3Context,
  input: CopyPartInput,
): Promise<PartInfo & { readonly source_version_id: string }> {
  const { source, part_number, signal } = input;
  const look = async () => {
    const info = await readInfo(context, { ...source, signal });
    evaluateSourceCondition(info, source.condition);
    return info;
  };
  return withSeen(look, async (info) => {
    const range = source.range === undefined ? null : resolveRange(info.size_bytes, source.range);
    const { told } = await checksumsOfUpload(context, input);
    const { copies_parts_with_checksum, copy_part_bytes_min } = context.habits;
    const through =
      (told !== undefined && !copies_parts_with_checksum) || info.size_bytes < copy_part_bytes_min;
    const part = through
      ? await streamPart(context, input, info, range)
      : await copyUpstream(context, input, info, range);
    return { ...part, part_number, source_version_id: info.version_id };
  });
}

async function copyUpstream(
  context: S3Context,
  input: CopyPartInput,
  info: ObjectInfo,
  range: ResolvedRange | null,
): Promise<PartInfo> {
  const { bucket, key, upload_id, part_number, source, signal } = input;
  const answer = await context.upstream.sendForText({
    method: 'PUT',
    bucket,
    key,
    query: { partNumber: part_number, uploadId: upload_id },
    headers: {
      'x-amz-copy-source': copySource(source, info),
      'x-amz-copy-source-if-match': `"${info.etag}"`,
      'x-amz-copy-source-range': range === null ? undefined : `bytes=${range.start}-${range.end}`,
    },
    signal,
  });
  const result = readCopyResult(answer, 'CopyPartResult');
  return {
    part_number,
    etag: bareEtag(childText(result, 'ETag') ?? ''),
    size_bytes: rangeBytes(range, info),
    modified_at_ms: Date.parse(childText(result, 'LastModified') ?? '') || Date.now(),
    checksum: partChecksum(
      Object.fromEntries(result.children.map((element) => [element.name, element.text])),
    ),
  };
}

async function streamPart(
  context: S3Context,
  input: CopyPartInput,
  info: ObjectInfo,
  range: ResolvedRange | null,
): Promise<PartInfo> {
  const { source, signal } = input;
  const read = await getObject(context, {
    bucket: source.bucket,
    key: source.key,
    version_id: source.version_id,
    ...(range === null ? {} : { range }),
    condition: { if_match: [info.etag] },
    signal,
  });
  const size_bytes = rangeBytes(range, info);
  const { source: _source, ...upload } = input;
  return uploadPart(context, { ...upload, body: read.body, size_bytes });
}
