import type { ObjectInfo } from '../../adapters/contract/index.js';
import { LIMITS } from '../../config/limits.js';
import { SHARD_BUCKET } from '../objects/shard-bucket.js';
import type { Verification } from '../objects/verifications.js';
import { toShardFields } from './attributes.js';
import { completeInfos } from './complete-infos.js';
import type { ShardRouteDeps } from './deps.js';
import { invalid, ShardApiError } from './errors.js';
import { checkShardId } from './shard-id.js';
import { isoTime } from './times.js';

export interface ListQuery {
  /** Null: all. */
  readonly limit: number | null;
  /** The id behind which the page begins. */
  readonly after: string | undefined;
  readonly prefix: string;
}

interface Totals {
  total_count: number;
  total_size_bytes: number;
}

function readLimit(value: string | undefined): number | null {
  if (value === undefined) return null;
  const limit = /^\d{1,9}$/.test(value) ? Number(value) : 0;
  if (limit >= 1) return limit;
  throw invalid({
    loc: ['query', 'limit'],
    msg: 'limit must be a whole number, at least 1',
    type: 'greater_than_equal',
  });
}

/** Cursors are opaque to clients: the last id of a page, marked, so that no other text passes for one. */
function toCursor(shard_id: string): string {
  return Buffer.from(`1:${shard_id}`).toString('base64url');
}

function readCursor(value: string | undefined): string | undefined {
  if (value === undefined || value === '') return undefined;
  const text = Buffer.from(value, 'base64url').toString();
  try {
    if (text.startsWith('1:') && toCursor(text.slice(2)) === value) {
      return checkShardId(text.slice(2), ['body', 'shard_id']);
    }
  } catch (error) {
    if (!(error instanceof ShardApiError)) throw error;
  }
  throw invalid({
    loc: ['query', 'cursor'],
    msg: 'cursor is not one that this node gave',
    type: 'value_error',
  });
}

/** Of a name that is given several times the last counts, as in FastAPI. Errors: 422. */
export function readListQuery(query: Readonly<Record<string, unknown>>): ListQuery {
  const last = (name: string): string | undefined => {
    const value = query[name];
    const one = Array.isArray(value) ? value.at(-1) : value;
    return typeof one === 'string' ? one : undefined;
  };
  return { limit: readLimit(last('limit')), after: readCursor(last('cursor')), prefix: last('prefix') ?? '' };
}

function toEntry(info: ObjectInfo, verification: Verification | undefined): string {
  const { source_node, redundancy_level } = toShardFields(info);
  return (
    `{"shard_id":${JSON.stringify(info.key)},"size_bytes":${info.size_bytes},` +
    `"created_at":"${isoTime(info.modified_at_ms)}",` +
    `"last_verified":${verification === undefined ? 'null' : `"${isoTime(verification.last_ms)}"`},` +
    `"verification_count":${verification?.count ?? 0},` +
    `"source_node":${source_node === null ? 'null' : JSON.stringify(source_node)},` +
    `"redundancy_level":${redundancy_level}}`
  );
}

interface Page {
  readonly items: readonly ObjectInfo[];
  readonly next: string | null;
}

type Deps = Pick<ShardRouteDeps, 'store' | 'verifications'>;

async function* pagesOf(
  { store }: Deps,
  { after, prefix, limit }: ListQuery,
  signal: AbortSignal,
): AsyncGenerator<Page> {
  const page_count = Math.min(LIMITS.shard_page_count, store.capabilities.list_limit_max);
  let left = limit ?? Number.POSITIVE_INFINITY;
  let from = after;
  while (left > 0) {
    const page = await store.listObjects({
      bucket: SHARD_BUCKET,
      limit: Math.min(left, page_count),
      signal,
      ...(prefix !== '' && { prefix }),
      ...(from !== undefined && { after: from }),
    });
    const items = page.entries.flatMap((entry) => (entry.type === 'item' ? [entry.item] : []));
    yield { items, next: page.next };
    if (page.next === null) return;
    left -= items.length;
    from = page.next;
  }
}

/** Of all shards, as the store knows them, or of those with the prefix, whatever part of them is listed. */
async function countShards(deps: Deps, { prefix }: ListQuery, signal: AbortSignal): Promise<Totals> {
  if (prefix === '') {
    const { objects_count, objects_bytes } = await deps.store.usage({ bucket: SHARD_BUCKET, signal });
    return { total_count: objects_count, total_size_bytes: objects_bytes };
  }
  const totals = { total_count: 0, total_size_bytes: 0 };
  for await (const { items } of pagesOf(deps, { prefix, limit: null, after: undefined }, signal)) {
    addTo(totals, items);
  }
  return totals;
}

function addTo(totals: Totals, items: readonly ObjectInfo[]): void {
  totals.total_count += items.length;
  for (const { size_bytes } of items) totals.total_size_bytes += size_bytes;
}

/** The listing as JSON text, a page of shards at a time: memory does not grow with the number of shards. */
export async function* listPieces(deps: Deps, query: ListQuery, signal: AbortSignal): AsyncGenerator<string> {
  const listed: Totals = { total_count: 0, total_size_bytes: 0 };
  let next: string | null = null;
  let begun = false;
  for await (const page of pagesOf(deps, query, signal)) {
    addTo(listed, page.items);
    next = page.next === null ? null : toCursor(page.next);
    const infos = await completeInfos(deps.store, page.items, signal);
    const known = deps.verifications.ofPage(SHARD_BUCKET, infos);
    const entries = infos.map((info, index) => toEntry(info, known[index])).join(',');
    const separator = listed.total_count > page.items.length && entries !== '' ? ',' : '';
    yield (begun ? separator : '{"shards":[') + entries;
    begun = true;
  }
  // What was listed in full was counted on the way, and so agrees with itself whatever was written meanwhile.
  const complete = query.limit === null && query.after === undefined;
  const { total_count, total_size_bytes } = complete ? listed : await countShards(deps, query, signal);
  yield `],"total_count":${total_count},"total_size_bytes":${total_size_bytes},"next_cursor":${JSON.stringify(next)}}`;
}
