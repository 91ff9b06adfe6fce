import { LIMITS } from '../../config/limits.js';
import { evaluateReadCondition, rangeBytes, resolveRange } from '../conditions.js';
import {
  type Body,
  type GetObjectInput,
  type GetObjectResult,
  type HeadObjectResult,
  isStoreError,
  type ObjectAddress,
  type ObjectInfo,
  type ResolvedRange,
  StoreError,
} from '../contract/index.js';
import { text, toInfo } from './attributes.js';
import type { S3Context } from './context.js';
import type { UpstreamAnswer } from './exchange.js';
import { createCheck, truncated } from './held-answers.js';
import { readPart } from './object-parts.js';
import { objectRequest, readInfo } from './read-info.js';
import { isLatest, missing } from './versions.js';
import { withSeen } from './with-seen.js';

export async function headObject(context: S3Context, input: GetObjectInput): Promise<HeadObjectResult> {
  const info = await readInfo(context, input);
  evaluateReadCondition(info, input.condition);
  if (input.part_number !== undefined) {
    return { info, ...(await readPart(context, input, info, input.part_number)) };
  }
  return { info, range: input.range === undefined ? null : resolveRange(info.size_bytes, input.range) };
}

/**
 * One GET where it can be. Conditions are evaluated here, the same for every upstream: then a HEAD comes first, and the
 * GET insists on the object that was seen.
 */
export async function getObject(context: S3Context, input: GetObjectInput): Promise<GetObjectResult> {
  if (input.condition !== undefined || input.part_number !== undefined || isEmptySuffix(input)) {
    return getSeen(context, input);
  }
  const answer = await askFor(context, input, rangeHeader(input.range));
  const [info, range] = await describe(context, input, answer);
  return { info, range, body: await pacedBody(context, input, info, range, answer) };
}

function isEmptySuffix({ range }: GetObjectInput): boolean {
  return range !== undefined && 'suffix' in range && range.suffix <= 0;
}

async function getSeen(context: S3Context, input: GetObjectInput): Promise<GetObjectResult> {
  const look = () => headObject(context, input);
  return withSeen(look, async (head) => {
    const { info, range } = head;
    if (range === 'empty' || info.size_bytes === 0) return { ...head, body: new Uint8Array(0) };
    const answer = await askFor(context, input, rangeHeader(range ?? undefined), info.etag);
    return { ...head, body: await pacedBody(context, input, info, range, answer) };
  });
}

function rangeHeader(range: GetObjectInput['range']): string | undefined {
  if (range === undefined) return undefined;
  if ('suffix' in range) return `bytes=-${range.suffix}`;
  return `bytes=${range.start}-${range.end ?? ''}`;
}

async function askFor(
  context: S3Context,
  address: ObjectAddress,
  range: string | undefined,
  etag?: string,
): Promise<UpstreamAnswer> {
  const if_match = etag === undefined ? undefined : `"${etag}"`;
  try {
    return await context.upstream.send(objectRequest('GET', address, range, if_match));
  } catch (error) {
    if (isStoreError(error, 'range_not_satisfiable')) throw await withSize(context, address, error);
    throw await missing(context, address, error);
  }
}

async function withSize(context: S3Context, address: ObjectAddress, error: StoreError): Promise<StoreError> {
  const known = error.detail.size_bytes;
  const size_bytes = typeof known === 'number' ? known : (await readInfo(context, address)).size_bytes;
  return new StoreError('range_not_satisfiable', `the object has ${size_bytes} bytes`, {
    detail: { size_bytes },
  });
}

/** What came, and which part of it. Some servers answer a range of an empty object, or one of all bytes, with the whole. */
async function describe(
  context: S3Context,
  input: GetObjectInput,
  answer: UpstreamAnswer,
): Promise<readonly [ObjectInfo, ResolvedRange | null]> {
  try {
    const is_latest = await isLatest(context, input);
    const shown = toInfo(input.key, answer.headers, context.capabilities);
    const info = is_latest ? shown : { ...shown, is_latest };
    if (input.range === undefined) return [info, null];
    const range = resolveRange(info.size_bytes, input.range);
    const partial = answer.statusCode === 206;
    const size_bytes = rangeBytes(range, info);
    if (
      Number(text(answer.headers, 'content-length')) !== size_bytes ||
      (!partial && size_bytes !== info.size_bytes)
    ) {
      throw new StoreError('unexpected', 'the upstream sent another range than asked for', {
        subject: 'adapter',
      });
    }
    return [info, range];
  } catch (error) {
    answer.body.discard();
    throw error;
  }
}

async function pacedBody(...given: Parameters<typeof bodyOf>): Promise<Body> {
  const [context, { signal }] = given;
  const body = await bodyOf(...given);
  return context.pace === undefined ? body : context.pace(body, signal);
}

async function bodyOf(
  context: S3Context,
  input: GetObjectInput,
  info: ObjectInfo,
  range: ResolvedRange | null,
  answer: UpstreamAnswer,
): Promise<Body> {
  const size_bytes = rangeBytes(range, info);
  const checksum = size_bytes === info.size_bytes ? info.checksum : null;
  if (size_bytes <= LIMITS.upstream_whole_body_bytes_max) {
    const bytes = await answer.body.whole(size_bytes);
    if (bytes.length !== size_bytes) throw truncated(bytes.length, size_bytes);
    const check = createCheck(checksum);
    check.update(bytes);
    check.end();
    return bytes;
  }
  const { bucket, key, signal } = input;
  const version_id = info.version_id === 'null' ? input.version_id : info.version_id;
  const address: ObjectAddress = {
    bucket,
    key,
    version_id,
    signal,
  };
  const again = () => askFor(context, address, rangeHeader(range ?? undefined), info.etag).catch(gone);
  return context.held.hold(answer, { size_bytes, checksum, signal }, again);
}

/** A reader who comes late finds that the object has been replaced. */
function gone(error: unknown): never {
  if (isStoreError(error, 'precondition_failed')) {
    throw new StoreError('not_found', 'the object was replaced before it was read', { cause: error });
  }
  throw error;
}
