import { childText, type XmlElement } from '../../src/wire/xml.js';
import type {
  ListEntry,
  ListVersionsInput,
  ListVersionsResult,
  VersionEntry,
  VersionPosition,
} from '../contract/index.js';
import { mayBegin, takenMarker } from '../key-rules.js';
import type { S3Context } from './context.js';
import { listedInfo } from './list-objects.js';
import { endlessListing, isBehind, nameReader, readListing } from './listing.js';

type Entry = ListEntry<VersionEntry>;

/** ListObjectVersions, with the upstream's version ids. Pages as in listObjects. A delete marker's owner is its bucket's. */
export async function listVersions(
  context: S3Context,
  input: ListVersionsInput,
): Promise<ListVersionsResult> {
  const { owner } = await context.buckets.info(input.bucket, input.signal);
  if (!mayBegin(context.capabilities.keys, input.prefix)) return { entries: [], next: null };
  const entries: Entry[] = [];
  let after = input.after;
  for (;;) {
    const wanted = Math.min(input.limit - entries.length + 1, context.capabilities.list_limit_max);
    const page = await listPage(context, { ...input, after, limit: wanted }, owner);
    const fresh = page.entries.filter((entry) => isNew(entry, after));
    entries.push(...fresh);
    if (!page.truncated || entries.length >= input.limit) return toPage(entries, input.limit, page.truncated);
    const last = fresh.at(-1);
    if (last === undefined) throw endlessListing();
    after = positionOf(last);
  }
}

function toPage(entries: readonly Entry[], limit: number, truncated: boolean): ListVersionsResult {
  const shown = entries.slice(0, limit);
  const last = shown.at(-1);
  const more = truncated || entries.length > limit;
  return { entries: shown, next: more && last !== undefined ? positionOf(last) : null };
}

function positionOf(entry: Entry): VersionPosition {
  if (entry.type === 'prefix') return { key: entry.prefix };
  return { key: entry.item.key, version_id: entry.item.version_id };
}

/** See listObjects. Behind one of several versions of a key there are more of the same name. */
function isNew(entry: Entry, after: VersionPosition | undefined): boolean {
  if (after === undefined) return true;
  const name = positionOf(entry).key;
  return (
    isBehind(name, after.key) ||
    (after.version_id !== undefined && entry.type === 'item' && name === after.key)
  );
}

interface PageInput extends Omit<ListVersionsInput, 'after'> {
  readonly after: VersionPosition | undefined;
}

async function listPage(
  context: S3Context,
  { bucket, prefix, delimiter, after, limit, signal }: PageInput,
  marker_owner: string,
) {
  const answer = await context.upstream.sendForText({
    method: 'GET',
    bucket,
    query: {
      versions: '',
      'max-keys': limit,
      'encoding-type': 'url',
      prefix: prefix || undefined,
      delimiter: delimiter || undefined,
      'key-marker': takenMarker(context.capabilities.keys, after?.key) || undefined,
      'version-id-marker': after?.version_id || undefined,
    },
    signal,
  });
  const listing = readListing(answer.text, 'ListVersionsResult');
  const read = nameReader(listing);
  const entries = listing.children.flatMap((element) => toEntry(element, read, marker_owner));
  return { entries: ordered(entries, delimiter), truncated: childText(listing, 'IsTruncated') === 'true' };
}

function toEntry(
  element: XmlElement,
  read: (element: XmlElement, name: string) => string,
  owner: string,
): Entry[] {
  switch (element.name) {
    case 'Version':
      return [{ type: 'item', item: { delete_marker: false, ...listedInfo(read(element, 'Key'), element) } }];
    case 'DeleteMarker': {
      const { key, version_id, is_latest, modified_at_ms } = listedInfo(read(element, 'Key'), element);
      return [
        { type: 'item', item: { delete_marker: true, key, version_id, is_latest, modified_at_ms, owner } },
      ];
    }
    case 'CommonPrefixes':
      return [{ type: 'prefix', prefix: read(element, 'Prefix') }];
    default:
      return [];
  }
}

/** Prefixes among the items; the order of the versions of one key stays (sorting is stable). */
function ordered(entries: Entry[], delimiter: string | undefined): Entry[] {
  if (!delimiter) return entries;
  return entries.sort((a, b) =>
    Buffer.compare(Buffer.from(positionOf(a).key), Buffer.from(positionOf(b).key)),
  );
}
