import type { IncomingMessage } from 'node:http';
import { LIMITS } from '../../config/limits.js';
import { invalid, ShardApiError } from './errors.js';

const SHARDS_PATH = '/api/v1/shards/';
/** Where the router finds the calls on one shard: ids never take part in routing. */
export const ONE_SHARD_ROUTE = `${SHARDS_PATH}-`;
const STORE_PATH = `${SHARDS_PATH}store`;
const DOT_SEGMENT = /(^|\/)\.\.?(\/|$)/;

function rawPath(url: string): string {
  const end = url.indexOf('?');
  return end < 0 ? url : url.slice(0, end);
}

const LONE_SURROGATE = /\p{Surrogate}/u;

export function isWellFormed(text: string): boolean {
  return !LONE_SURROGATE.test(text);
}

/** Names the failed place as FastAPI does. */
type Place = readonly ['path' | 'body', 'shard_id'];

/** A shard id is 1 to 1,024 bytes of UTF-8. Returns it; errors: 422. */
export function checkShardId(id: string, loc: Place): string {
  // Most ids are short: no byte count is needed to know that they fit (at most 3 bytes for a UTF-16 unit).
  const fits =
    id.length * 3 <= LIMITS.shard_id_bytes_max || Buffer.byteLength(id) <= LIMITS.shard_id_bytes_max;
  if (id.length > 0 && fits && isWellFormed(id)) return id;
  if (id.length === 0) {
    throw invalid({ loc, msg: 'shard_id must not be empty', type: 'string_too_short' });
  }
  if (!fits) {
    throw invalid({
      loc,
      msg: `shard_id must have at most ${LIMITS.shard_id_bytes_max} bytes of UTF-8`,
      type: 'string_too_long',
    });
  }
  throw invalid({ loc, msg: 'shard_id must be valid Unicode', type: 'string_unicode' });
}

/**
 * The id in a raw request target: everything behind the path, decoded once. So `a/`, `a//b` and `%2e%2e%2f` are ids
 * of their own; only bare dot segments are refused, because a proxy on the way would have resolved them.
 */
export function shardIdOf(original_url: string): string {
  const raw = rawPath(original_url).slice(SHARDS_PATH.length);
  if (!raw.includes('%')) {
    if (raw.charCodeAt(0) === 0x2e || raw.includes('/.')) refuseDotSegments(raw);
    return checkShardId(raw, ['path', 'shard_id']);
  }
  refuseDotSegments(raw);
  let id: string;
  try {
    id = decodeURIComponent(raw);
  } catch {
    throw invalid({
      loc: ['path', 'shard_id'],
      msg: 'shard_id is not percent-encoded UTF-8',
      type: 'string_unicode',
    });
  }
  return checkShardId(id, ['path', 'shard_id']);
}

function refuseDotSegments(raw: string): void {
  if (DOT_SEGMENT.test(raw)) throw new ShardApiError(400, 'Dot segments must be percent-encoded');
}

/** Sends every call on one shard to one static route, before the router could decode, fold or refuse its id. */
export function rewriteShardUrl(request: IncomingMessage): string {
  const url = request.url ?? '/';
  if (!url.startsWith(SHARDS_PATH)) return url;
  if (request.method === 'POST' && rawPath(url) === STORE_PATH) return url;
  return ONE_SHARD_ROUTE;
}
