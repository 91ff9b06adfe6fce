import { children, childText, type XmlElement } from '../../src/wire/xml.js';
import { bareEtag } from './attributes.js';
import { endlessListing, nameReader, nextToken, readListing } from './listing.js';
import type { Upstream } from './upstream.js';

export interface NamePage {
  readonly entries: readonly { readonly name: string; readonly etag: string }[];
  /** Behind which the next page begins; null at the end. */
  readonly next: string | null;
}

/** Up to `limit` keys under a prefix, without it, behind one of them (empty: from the first). */
export async function listSomeNames(
  upstream: Upstream,
  bucket: string,
  { prefix, after, limit }: { readonly prefix: string; readonly after: string; readonly limit: number },
  signal: AbortSignal | undefined,
): Promise<NamePage> {
  const start_after = after === '' ? undefined : `${prefix}${after}`;
  const query = {
    'list-type': 2,
    prefix,
    'encoding-type': 'url',
    'start-after': start_after,
    'max-keys': limit,
  };
  const answer = await upstream.sendForText({ method: 'GET', bucket, query, signal });
  const listing = readListing(answer.text, 'ListBucketResult');
  const entries = entriesIn(listing, prefix);
  if (!isTruncated(listing)) return { entries, next: null };
  const last = entries.at(-1);
  if (last === undefined) throw endlessListing();
  return { entries, next: last.name };
}

function isTruncated(listing: XmlElement): boolean {
  return childText(listing, 'IsTruncated') === 'true';
}

function entriesIn(listing: XmlElement, prefix: string): NamePage['entries'] {
  const read = nameReader(listing);
  return children(listing, 'Contents').map((entry) => ({
    name: read(entry, 'Key').slice(prefix.length),
    etag: bareEtag(childText(entry, 'ETag') ?? ''),
  }));
}

/** All keys under a prefix, without it. For the reserved bucket, whose folders are small. */
export async function listNames(
  upstream: Upstream,
  bucket: string,
  prefix: string,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const names: string[] = [];
  let token: string | undefined;
  do {
    const query = { 'list-type': 2, prefix, 'encoding-type': 'url', 'continuation-token': token };
    const answer = await upstream.sendForText({ method: 'GET', bucket, query, signal });
    const listing = readListing(answer.text, 'ListBucketResult');
    names.push(...entriesIn(listing, prefix).map(({ name }) => name));
    token = isTruncated(listing) ? nextToken(childText(listing, 'NextContinuationToken'), token) : undefined;
  } while (token !== undefined);
  return names;
}
