import type { IncomingMessage, ServerResponse } from 'node:http';
import { invalid, ShardApiError, tooLarge } from './errors.js';
import { clientGone, declaredLength } from './json-body.js';
import { beginBody } from './refusal.js';
import { checkDigest, checkMetadata, checkSourceNode, type StoreRequest } from './store-request.js';

/** The headers of the binary form, in requests and answers. Values of free text are percent-encoded UTF-8. */
export const SHA256_HEADER = 'x-backup-node-sha256';
export const SOURCE_NODE_HEADER = 'x-backup-node-source-node';
export const METADATA_HEADER = 'x-backup-node-metadata';
export const BINARY_TYPE = 'application/octet-stream';

function decodeHeader(request: IncomingMessage, name: string): string | null {
  const value = request.headers[name];
  if (typeof value !== 'string' || value === '') return null;
  try {
    return decodeURIComponent(value);
  } catch {
    throw invalid({
      loc: ['header', name],
      msg: `${name} is not percent-encoded UTF-8`,
      type: 'string_unicode',
    });
  }
}

function metadataOf(request: IncomingMessage): Pick<StoreRequest, 'metadata' | 'redundancy_level'> {
  const text = decodeHeader(request, METADATA_HEADER);
  if (text === null) return { metadata: null, redundancy_level: null };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return checkMetadata(value);
  throw invalid({
    loc: ['header', METADATA_HEADER],
    msg: 'Input should be a JSON object',
    type: 'dict_type',
  });
}

function digestOf(request: IncomingMessage): string {
  const value = request.headers[SHA256_HEADER];
  if (typeof value === 'string') return checkDigest(value, SHA256_HEADER);
  throw invalid({ loc: ['header', SHA256_HEADER], msg: 'Field required', type: 'missing' });
}

function isBinary(request: IncomingMessage): boolean {
  const type = request.headers['content-type'];
  return type === undefined || type.split(';', 1)[0]?.trim().toLowerCase() === BINARY_TYPE;
}

/** All that can be refused is refused before the body is asked for. Errors: 411, 413, 415, 422. */
export function readBinaryStoreRequest(
  request: IncomingMessage,
  response: ServerResponse,
  shard_id: string,
  limit_bytes: number,
): StoreRequest {
  if (!isBinary(request)) throw new ShardApiError(415, `Content-Type must be ${BINARY_TYPE}`);
  const size_bytes = declaredLength(request);
  if (size_bytes === undefined) throw new ShardApiError(411, 'Content-Length is required');
  if (size_bytes > limit_bytes) throw tooLarge(limit_bytes);
  const source_node = decodeHeader(request, SOURCE_NODE_HEADER);
  return {
    shard_id,
    body: size_bytes === 0 ? new Uint8Array(0) : bodyOf(request, response),
    size_bytes,
    sha256: digestOf(request),
    source_node: source_node === null ? null : checkSourceNode(source_node),
    ...metadataOf(request),
  };
}

async function* bodyOf(request: IncomingMessage, response: ServerResponse): AsyncGenerator<Uint8Array> {
  beginBody(request, response);
  for await (const piece of request.iterator({ destroyOnReturn: false })) yield piece as Buffer;
  if (!request.complete) throw clientGone();
}
