import type { ListEntry, ListObjectsInput, ListObjectsResult, ObjectInfo } from '../contract/index.js';
import type { LocalContext } from './context.js';
import { BUCKET_ID_BYTES, rawObjectKey, successor } from './index/keys.js';
import { commonPrefix, listStart } from './list-prefix.js';
import { objectInfo } from './object-info.js';

interface Page {
  readonly context: LocalContext;
  readonly limit: number;
  readonly entries: ListEntry<ObjectInfo>[];
  readonly end: Buffer | undefined;
  readonly delimiter: Buffer;
  /** Where in a key of the index the delimiter is looked for. */
  readonly delimiter_from: number;
  /** The last key or common prefix that was added. */
  last: string;
  full: boolean;
}

/** One synchronous read of at most `limit` entries and one more, which tells whether there is a next page. */
export function listObjects(context: LocalContext, input: ListObjectsInput): ListObjectsResult {
  const bucket = context.buckets.read(input.bucket);
  const prefix = Buffer.from(input.prefix ?? '', 'utf8');
  const page: Page = {
    context,
    limit: input.limit,
    entries: [],
    end: successor(rawObjectKey(bucket.id, prefix)),
    delimiter: Buffer.from(input.delimiter ?? '', 'utf8'),
    delimiter_from: BUCKET_ID_BYTES + prefix.length,
    last: '',
    full: false,
  };
  const after = input.after === undefined ? undefined : Buffer.from(input.after, 'utf8');
  const from = listStart(prefix, page.delimiter, after);
  let start = from === undefined ? undefined : rawObjectKey(bucket.id, from);
  while (start !== undefined) start = stepPrefixes(page, addItems(page, start));
  return { entries: page.entries, next: page.full ? page.last : null };
}

/** Adds items up to a key under a common prefix, which it returns; undefined at the end of the page or the listing. */
function addItems(page: Page, start: Buffer): Buffer | undefined {
  const range = page.context.tables.objects.getRange({
    start,
    limit: page.limit - page.entries.length + 1,
    ...(page.end && { end: page.end }),
  });
  for (const { key, value } of range) {
    if (isFull(page)) return undefined;
    if (page.delimiter.length > 0 && commonPrefix(key, page.delimiter_from, page.delimiter) > 0) return key;
    page.last = key.toString('utf8', BUCKET_ID_BYTES);
    page.entries.push({ type: 'item', item: objectInfo(value, page.last, true) });
  }
  return undefined;
}

/**
 * Adds the common prefixes that begin at `key`, stepping over what lies under each, and returns the first key that has
 * none. Only keys are looked at: no record is read for a prefix.
 */
function stepPrefixes(page: Page, key: Buffer | undefined): Buffer | undefined {
  let at = key;
  while (at !== undefined) {
    const common = commonPrefix(at, page.delimiter_from, page.delimiter);
    if (common === 0 || isFull(page)) return page.full ? undefined : at;
    page.last = at.toString('utf8', BUCKET_ID_BYTES, common);
    page.entries.push({ type: 'prefix', prefix: page.last });
    at = firstKey(page, successor(at.subarray(0, common)));
  }
  return undefined;
}

function firstKey(page: Page, start: Buffer | undefined): Buffer | undefined {
  if (start === undefined) return undefined;
  const options = { start, limit: 1, ...(page.end && { end: page.end }) };
  for (const key of page.context.tables.objects.getKeys(options)) return key;
  return undefined;
}

function isFull(page: Page): boolean {
  page.full = page.entries.length === page.limit;
  return page.full;
}
