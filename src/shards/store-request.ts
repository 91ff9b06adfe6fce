import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Body } from '../../adapters/contract/index.js';
import { LIMITS } from '../../config/limits.js';
import { decodeBase64 } from './base64.js';
import type { ByteAccount } from './byte-budget.js';
import { invalid, type Problem, tooLarge } from './errors.js';
import { clientGone, declaredLength, parseJsonObject, readWhole } from './json-body.js';
import { beginBody } from './refusal.js';
import { createShardDataSplitter, notBase64 } from './shard-data-splitter.js';
import { checkShardId, isWellFormed } from './shard-id.js';

/** A store call, validated. */
export interface StoreRequest {
  readonly shard_id: string;
  readonly body: Body;
  readonly size_bytes: number;
  /** Hex, lower case. */
  readonly sha256: string;
  readonly source_node: string | null;
  /** JSON text of an object. */
  readonly metadata: string | null;
  readonly redundancy_level: number | null;
}

const HEX_64 = /^[0-9a-fA-F]{64}$/;

function problem(field: string, msg: string, type: string): Problem {
  return { loc: ['body', field], msg, type };
}

/** Errors: 422. */
export function checkDigest(value: string, field: string): string {
  if (HEX_64.test(value)) return value.toLowerCase();
  throw invalid(problem(field, `${field} must be 64 hex digits (SHA-256)`, 'string_pattern_mismatch'));
}

/** Errors: 422. */
export function checkSourceNode(value: string): string {
  if (Buffer.byteLength(value) <= LIMITS.shard_source_node_bytes_max && isWellFormed(value)) return value;
  throw invalid(problem('source_node', 'source_node is too long or not Unicode', 'string_too_long'));
}

export function checkMetadata(metadata: object): Pick<StoreRequest, 'metadata' | 'redundancy_level'> {
  const text = JSON.stringify(metadata);
  if (Buffer.byteLength(text) > LIMITS.shard_metadata_bytes_max) {
    throw invalid(
      problem('metadata', `metadata has more than ${LIMITS.shard_metadata_bytes_max} bytes`, 'too_long'),
    );
  }
  const level = (metadata as Readonly<Record<string, unknown>>).redundancy_level;
  const known = typeof level === 'number' && Number.isInteger(level) && level >= 1 && level <= 1_000;
  return { metadata: text, redundancy_level: known ? level : null };
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function requireStrings(fields: Readonly<Record<string, unknown>>, names: readonly string[]): void {
  const problems = names
    .filter((name) => typeof fields[name] !== 'string')
    .map((name) =>
      fields[name] === undefined
        ? problem(name, 'Field required', 'missing')
        : problem(name, 'Input should be a valid string', 'string_type'),
    );
  if (fields.source_node != null && typeof fields.source_node !== 'string') {
    problems.push(problem('source_node', 'Input should be a valid string', 'string_type'));
  }
  if (fields.metadata != null && !isObject(fields.metadata)) {
    problems.push(problem('metadata', 'Input should be a valid dictionary', 'dict_type'));
  }
  if (problems.length > 0) throw invalid(...problems);
}

const NAMES = ['shard_id', 'shard_data', 'original_hash'] as const;

function toRequest(fields: Readonly<Record<string, unknown>>, body: Body, size_bytes: number): StoreRequest {
  return {
    shard_id: checkShardId(fields.shard_id as string, ['body', 'shard_id']),
    body,
    size_bytes,
    sha256: checkDigest(fields.original_hash as string, 'original_hash'),
    source_node: typeof fields.source_node === 'string' ? checkSourceNode(fields.source_node) : null,
    ...(isObject(fields.metadata)
      ? checkMetadata(fields.metadata)
      : { metadata: null, redundancy_level: null }),
  };
}

/** The largest JSON document that a shard of `limit_bytes` can need. */
function documentLimit(limit_bytes: number): number {
  return Math.ceil(limit_bytes / 3) * 4 + LIMITS.shard_body_rest_bytes_max;
}

/**
 * Reads a store call's JSON. Small ones in one piece; large ones are decoded as they come and held as bytes, within a
 * budget that all requests share. `account` is to be closed after the shard has been stored. Errors: 413, 422, 503.
 */
export async function readStoreRequest(
  request: IncomingMessage,
  response: ServerResponse,
  limit_bytes: number,
  account: ByteAccount,
): Promise<StoreRequest> {
  const declared = declaredLength(request);
  if (declared !== undefined && declared > documentLimit(limit_bytes)) throw tooLarge(limit_bytes);
  if (declared === undefined || declared > LIMITS.shard_body_whole_bytes_max) {
    return readLarge(request, response, limit_bytes, account);
  }
  const bytes = await readWhole(request, response, LIMITS.shard_body_whole_bytes_max);
  const fields = parseJsonObject(bytes);
  requireStrings(fields, NAMES);
  const data = decodeBase64(fields.shard_data as string);
  if (data === null) throw notBase64();
  if (data.length > limit_bytes) throw tooLarge(limit_bytes);
  return toRequest(fields, data, data.length);
}

async function readLarge(
  request: IncomingMessage,
  response: ServerResponse,
  limit_bytes: number,
  account: ByteAccount,
): Promise<StoreRequest> {
  beginBody(request, response);
  const splitter = createShardDataSplitter();
  const chunks: Buffer[] = [];
  let size_bytes = 0;
  // The iterator must not destroy the request when this throws: the answer goes out on its connection.
  for await (const piece of request.iterator({ destroyOnReturn: false })) {
    for (const bytes of splitter.push(piece as Buffer)) {
      if (bytes.length === 0) continue;
      size_bytes += bytes.length;
      if (size_bytes > limit_bytes) throw tooLarge(limit_bytes);
      await account.take(bytes.length);
      chunks.push(bytes);
    }
  }
  if (!request.complete) throw clientGone();
  const fields = parseJsonObject(splitter.end());
  requireStrings(fields, NAMES);
  return toRequest(fields, handOver(chunks), size_bytes);
}

/** Gives each chunk away, so that it can be freed as soon as it is stored. */
async function* handOver(chunks: Buffer[]): AsyncGenerator<Uint8Array> {
  chunks.reverse();
  for (let chunk = chunks.pop(); chunk !== undefined; chunk = chunks.pop()) yield chunk;
}
