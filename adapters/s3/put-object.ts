import { evaluateWriteCondition } from '../conditions.js';
import {
  type ChecksumAlgorithm,
  isStoreError,
  type ObjectChecksum,
  type ObjectInfo,
  type PutObjectInput,
  StoreError,
} from '../contract/index.js';
import { either } from './abortable.js';
import { bareEtag, type Headers, putInfo, text, toChecksum, toHeaders } from './attributes.js';
import { withConfirmedEtag } from './confirm-etag.js';
import type { S3Context } from './context.js';
import { wasCutOff } from './cut-off.js';
import { toStoreError } from './errors.js';
import { withChecksum } from './kept-checksum.js';
import { type Outgoing, type OutgoingInput, prepareBody } from './outgoing.js';
import type { TextAnswer, UpstreamRequest } from './upstream.js';
import { conditionHeaders, readCurrent, upstreamCondition } from './write-condition.js';

export async function putObject(context: S3Context, input: PutObjectInput): Promise<ObjectInfo> {
  const { bucket, key, attributes = {}, condition } = input;
  const upstream_condition = await upstreamCondition(context, input, condition);
  const plain = { ...toHeaders(attributes, context.habits), ...conditionHeaders(upstream_condition) };
  const asked = input.expect?.checksum?.algorithm;
  const told = toldAlgorithm(context, asked) ?? context.capabilities.default_checksum ?? undefined;
  let kept: ObjectChecksum | null = null;
  let sent: Outgoing | undefined;
  const { answer, outgoing } = await sendBody(context, input, told, (prepared) => {
    sent = prepared;
    const described = withChecksum(plain, told === asked ? null : prepared.known, input.size_bytes);
    kept = described.kept;
    return { method: 'PUT', bucket, key, headers: described.headers };
  }).catch(async (error: unknown) => {
    if (!isStoreError(error)) throw error;
    throw upstream_condition.refusal((await brokenCondition(context, input, sent, error)) ?? error);
  });
  const confirmed = await withConfirmedEtag(context, input, answer, outgoing);
  const checksum = kept ?? toChecksum(answer.headers) ?? outgoing.seen.checksum;
  return putInfo(key, input.size_bytes, attributes, { headers: confirmed, checksum }, context.capabilities);
}

/**
 * The refusal of a condition whose answer was lost. Only of a body that had not left whole: then it cannot be this very
 * object that breaks the condition.
 */
async function brokenCondition(
  context: S3Context,
  { bucket, key, condition, signal }: PutObjectInput,
  sent: Outgoing | undefined,
  error: StoreError,
): Promise<StoreError | undefined> {
  if (condition === undefined || sent === undefined || !wasCutOff(error)) return undefined;
  const { checksum, md5 } = sent.seen;
  if (sent.body instanceof Uint8Array || checksum !== null || md5 !== undefined) return undefined;
  try {
    evaluateWriteCondition(await readCurrent(context, { bucket, key, signal }), condition);
    return undefined;
  } catch (cause) {
    return isStoreError(cause, 'precondition_failed') ? cause : undefined;
  }
}

/** What the upstream can be told of what a caller asks for; the rest is verified here. */
export function toldAlgorithm(
  { capabilities }: S3Context,
  asked: ChecksumAlgorithm | undefined,
): ChecksumAlgorithm | undefined {
  return asked !== undefined && capabilities.checksums.includes(asked) ? asked : undefined;
}

/**
 * Sends a body with all its promises kept; used for objects and for parts. What the caller's own stream throws comes out
 * as it is.
 */
export async function sendBody(
  context: S3Context,
  input: Pick<OutgoingInput, 'body' | 'size_bytes' | 'expect'> & {
    readonly signal?: AbortSignal | undefined;
  },
  algorithm: ChecksumAlgorithm | undefined,
  requestFor: (outgoing: Outgoing) => UpstreamRequest,
): Promise<{ readonly answer: TextAnswer; readonly outgoing: Outgoing }> {
  const stall = new AbortController();
  const stalled = () =>
    stall.abort(new StoreError('unavailable', 'the upstream takes no more', { subject: 'adapter' }));
  const body = context.pace === undefined ? input.body : await context.pace(input.body, input.signal);
  const outgoing = await prepareBody({
    body,
    size_bytes: input.size_bytes,
    expect: input.expect,
    signal: input.signal,
    algorithm,
    stall_ms: context.upstream.body_timeout_ms,
    stalled,
  });
  // A body in one piece cannot stall by itself; and joining signals costs as much as signing.
  const whole = outgoing.body instanceof Uint8Array;
  const signal = whole ? input.signal : either(input.signal, stall.signal);
  const request = requestFor(outgoing);
  try {
    const answer = await context.upstream.sendForText({
      ...request,
      headers: withFraming(request.headers ?? {}, outgoing),
      body: outgoing.body,
      payload_hash: outgoing.payload_hash,
      signal,
    });
    compareAnswer(context, answer, outgoing);
    return { answer, outgoing };
  } catch (error) {
    if (input.signal?.aborted === true) throw input.signal.reason;
    if (outgoing.seen.failure !== undefined) throw outgoing.seen.failure;
    throw toStoreError(error);
  }
}

function withFraming(headers: Headers, outgoing: Outgoing): Headers {
  const own = headers['content-encoding'];
  const framing = outgoing.headers['content-encoding'];
  const encoding = own !== undefined && framing !== undefined ? `${own},${framing}` : (own ?? framing);
  return {
    ...headers,
    ...outgoing.headers,
    ...(encoding === undefined ? {} : { 'content-encoding': encoding }),
  };
}

const MD5 = /^[0-9a-f]{32}$/;

/** The upstream must have got what was sent. */
function compareAnswer({ habits }: S3Context, answer: TextAnswer, { seen }: Outgoing): void {
  const etag = bareEtag(text(answer.headers, 'etag') ?? '');
  if (etag === '')
    throw new StoreError('unexpected', 'the upstream answered without an ETag', { subject: 'adapter' });
  const wrong_md5 = habits.md5_etags && seen.md5 !== undefined && MD5.test(etag) && etag !== seen.md5;
  const stored = toChecksum(answer.headers);
  const wrong_checksum =
    stored !== null && stored.algorithm === seen.checksum?.algorithm && stored.value !== seen.checksum.value;
  if (!wrong_md5 && !wrong_checksum) return;
  throw new StoreError('corrupt', 'the upstream stored other bytes than were sent', { detail: { etag } });
}
