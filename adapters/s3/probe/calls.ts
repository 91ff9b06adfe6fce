import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { childText, parseXml, type XmlElement } from '../../../src/wire/xml.js';
import { isStoreError, StoreError } from '../../contract/index.js';
import { type AnswerHeaders, bareEtag, text } from '../attributes.js';
import { toStoreError } from '../errors.js';
import { readError, type Upstream, type UpstreamRequest } from '../upstream.js';

/** An answer of any status. */
export interface Answer {
  readonly ok: boolean;
  /** `412 PreconditionFailed: …`; empty for success. */
  readonly refusal: string;
  readonly headers: AnswerHeaders;
  readonly text: string;
}

export interface UploadName {
  readonly bucket: string;
  readonly key: string;
  readonly upload_id: string;
}

/** Raw requests, as the upstream answers them: nothing is made up for. */
export interface Calls {
  /** Whatever the answer; asks again where it is that the server is busy. Fails only when there is none. */
  send(request: UpstreamRequest): Promise<Answer>;
  sendOnce(request: UpstreamRequest): Promise<Answer>;
  /** `send`, failing with a StoreError for a refusal. */
  must(request: UpstreamRequest): Promise<Answer>;
  /** All uploads that were begun, and the keys that were written by bucket: some servers do not list them. */
  readonly begun: UploadName[];
  readonly written: ReadonlyMap<string, ReadonlySet<string>>;
}

const REPEATS_MAX = 4;
const REPEAT_DELAY_MS = 500;

export function createCalls(upstream: Upstream, signal: AbortSignal | undefined): Calls {
  const written = new Map<string, Set<string>>();
  async function once(request: UpstreamRequest): Promise<Answer & { readonly busy: boolean }> {
    const { method, bucket, key } = request;
    if (key !== undefined && (method === 'PUT' || method === 'POST')) {
      written.set(bucket, (written.get(bucket) ?? new Set<string>()).add(key));
    }
    try {
      const answer = await upstream.sendForText({ ...request, signal });
      const { code, message } = readError(answer.text);
      const refusal = code === undefined ? '' : `200 ${code}: ${message ?? ''}`;
      return { ok: refusal === '', refusal, headers: answer.headers, text: answer.text, busy: false };
    } catch (cause) {
      signal?.throwIfAborted();
      const error = toStoreError(cause);
      const { status, code } = error.detail;
      if (typeof status !== 'number') throw error;
      const busy = error.kind === 'throttled' || status === 503;
      const refusal = [status, code].filter(Boolean).join(' ');
      const more = error.message.includes(String(code)) ? '' : `: ${error.message}`;
      return { ok: false, refusal: `${refusal}${more}`, headers: {}, text: '', busy };
    }
  }
  const send = async (request: UpstreamRequest): Promise<Answer> => {
    for (let round = 0; ; round++) {
      const answer = await once(request);
      // A stream is sent once only.
      const repeatable = request.body === undefined || request.body instanceof Uint8Array;
      if (!answer.busy || !repeatable || round === REPEATS_MAX) return answer;
      await delay(REPEAT_DELAY_MS * 2 ** round, undefined, { signal });
    }
  };
  return {
    send,
    sendOnce: once,
    async must(request) {
      const answer = await send(request);
      if (!answer.ok) throw notSo(`${request.method} was refused: ${answer.refusal}`);
      return answer;
    },
    begun: [],
    written,
  };
}

/** Ends a check: the upstream is not as S3 is. */
export function notSo(reason: string): StoreError {
  return new StoreError('unsupported', reason, { subject: 'adapter' });
}

export function ensure(holds: boolean, otherwise: string): void {
  if (!holds) throw notSo(otherwise);
}

/** A refusal that tells nothing of the upstream: it did not answer at all. */
export function isSilence(error: unknown): boolean {
  return isStoreError(error, 'unavailable') && error.detail.status === undefined;
}

export const etagOf = (answer: Answer): string => bareEtag(text(answer.headers, 'etag') ?? '');
export const headerOf = (answer: Answer, name: string): string | undefined => text(answer.headers, name);

const DOCUMENT_BYTES_MAX = 4 * 1024 ** 2;

export function documentOf(answer: Answer, root: string): XmlElement {
  return parseXml(answer.text.trimStart(), root, DOCUMENT_BYTES_MAX);
}

/** A request body with the digest that S3 wants for documents. */
export function xmlBody(document: string): Pick<UpstreamRequest, 'body' | 'headers'> {
  const body = Buffer.from(document);
  const digest = createHash('md5').update(body).digest('base64');
  return { body, headers: { 'content-type': 'application/xml', 'content-md5': digest } };
}

export async function beginUpload(
  calls: Calls,
  bucket: string,
  key: string,
  headers: UpstreamRequest['headers'] = {},
): Promise<UploadName> {
  const answer = await calls.must({ method: 'POST', bucket, key, query: { uploads: '' }, headers });
  const upload_id = childText(documentOf(answer, 'InitiateMultipartUploadResult'), 'UploadId') ?? '';
  const upload = { bucket, key, upload_id };
  calls.begun.push(upload);
  return upload;
}

export function partRequest(
  { bucket, key, upload_id }: UploadName,
  part_number: number,
  body: Uint8Array | AsyncIterable<Uint8Array> | undefined,
  headers: UpstreamRequest['headers'] = {},
): UpstreamRequest {
  const query = { partNumber: part_number, uploadId: upload_id };
  return { method: 'PUT', bucket, key, query, headers, body };
}

export interface NamedPart {
  readonly part_number: number;
  readonly etag: string;
  /** Name of the element and its value. */
  readonly checksum?: readonly [string, string];
}

export function completeRequest(
  { bucket, key, upload_id }: UploadName,
  parts: readonly NamedPart[],
  headers: UpstreamRequest['headers'] = {},
): UpstreamRequest {
  const named = parts.map(({ part_number, etag, checksum }) => {
    const sum = checksum === undefined ? '' : `<${checksum[0]}>${checksum[1]}</${checksum[0]}>`;
    return `<Part><PartNumber>${part_number}</PartNumber><ETag>&quot;${etag}&quot;</ETag>${sum}</Part>`;
  });
  const document = `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${named.join('')}</CompleteMultipartUpload>`;
  return {
    method: 'POST',
    bucket,
    key,
    query: { uploadId: upload_id },
    body: Buffer.from(document),
    headers: { 'content-type': 'application/xml', ...headers },
  };
}
