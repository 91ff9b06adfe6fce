import { children, childText, type XmlElement } from '../../src/wire/xml.js';
import type { ListEntry, ListObjectsInput, ListObjectsResult, ObjectInfo } from '../contract/index.js';
import { mayBegin, takenMarker } from '../key-rules.js';
import { bareEtag, partsCount } from './attributes.js';
import type { S3Context } from './context.js';
import { endlessListing, isBehind, nameReader, readListing, startBehind } from './listing.js';

/**
 * ListObjectsV2. Servers differ in whether they show the common prefix that the page begins in once more, even when they
 * go on by their own token; so pages go on behind the last name, and what is not behind it is dropped. One more than is
 * wanted is asked for: to make up for that, and because MinIO takes `max-keys=1` for a question about one object.
 */
export async function listObjects(context: S3Context, input: ListObjectsInput): Promise<ListObjectsResult> {
  if (!mayBegin(context.capabilities.keys, input.prefix)) return { entries: [], next: null };
  const entries: ListEntry<ObjectInfo>[] = [];
  let after = input.after;
  for (;;) {
    const wanted = Math.min(input.limit - entries.length + 1, context.capabilities.list_limit_max);
    const page = await listPage(context, { ...input, after, limit: wanted });
    const fresh = page.entries.filter((entry) => isNew(entry, after));
    entries.push(...fresh);
    if (!page.truncated || entries.length >= input.limit) return toPage(entries, input.limit, page.truncated);
    after = nextPosition(fresh.at(-1), after);
  }
}

type Entry = ListEntry<ObjectInfo>;

function toPage(entries: readonly Entry[], limit: number, truncated: boolean): ListObjectsResult {
  const shown = entries.slice(0, limit);
  const last = shown.at(-1);
  const more = truncated || entries.length > limit;
  return { entries: shown, next: more && last !== undefined ? nameOf(last) : null };
}

const HIGHEST = '\u{10ffff}';

/** A page that only repeated the prefix before it: the next one begins behind everything under that. */
function nextPosition(last: Entry | undefined, after: string | undefined): string {
  if (last !== undefined) return nameOf(last);
  if (after === undefined || after.endsWith(HIGHEST)) throw endlessListing();
  return `${after}${HIGHEST}`;
}

function nameOf(entry: ListEntry<ObjectInfo>): string {
  return entry.type === 'item' ? entry.item.key : entry.prefix;
}

function isNew(entry: ListEntry<ObjectInfo>, after: string | undefined): boolean {
  return after === undefined || isBehind(nameOf(entry), after);
}

interface PageInput extends Omit<ListObjectsInput, 'after'> {
  readonly after: string | undefined;
}

async function listPage(context: S3Context, { bucket, prefix, delimiter, after, limit, signal }: PageInput) {
  const answer = await context.upstream.sendForText({
    method: 'GET',
    bucket,
    query: {
      'list-type': 2,
      'max-keys': limit,
      'encoding-type': 'url',
      prefix: prefix || undefined,
      delimiter: delimiter || undefined,
      'start-after': startBehind(prefix, takenMarker(context.capabilities.keys, after)),
    },
    signal,
  });
  const listing = readListing(answer.text, 'ListBucketResult');
  const read = nameReader(listing);
  const items = children(listing, 'Contents').map(
    (entry): Entry => ({ type: 'item', item: listedInfo(read(entry, 'Key'), entry) }),
  );
  const prefixes = children(listing, 'CommonPrefixes').map(
    (entry): Entry => ({ type: 'prefix', prefix: read(entry, 'Prefix') }),
  );
  return {
    entries: merged(items, prefixes),
    truncated: childText(listing, 'IsTruncated') === 'true',
  };
}

/** Two ascending lists as one: the document shows objects and prefixes apart. */
function merged(
  items: readonly ListEntry<ObjectInfo>[],
  prefixes: readonly ListEntry<ObjectInfo>[],
): ListEntry<ObjectInfo>[] {
  if (prefixes.length === 0) return [...items];
  return [...items, ...prefixes].sort((a, b) =>
    Buffer.compare(Buffer.from(nameOf(a)), Buffer.from(nameOf(b))),
  );
}

/** What a listing tells of an object; the rest only a HEAD does. */
export function listedInfo(key: string, entry: XmlElement): ObjectInfo {
  const etag = bareEtag(childText(entry, 'ETag') ?? '');
  return {
    key,
    version_id: childText(entry, 'VersionId') ?? 'null',
    is_latest: (childText(entry, 'IsLatest') ?? 'true') === 'true',
    etag,
    size_bytes: Number(childText(entry, 'Size') ?? 0),
    modified_at_ms: Date.parse(childText(entry, 'LastModified') ?? '') || 0,
    headers: {},
    metadata: {},
    system: {},
    storage_class: childText(entry, 'StorageClass') || 'STANDARD',
    checksum: null,
    sha256: null,
    parts_count: partsCount(etag),
    tags_count: 0,
    retention: null,
    legal_hold: false,
    owner: '',
  };
}
