import { children, childText } from '../../src/wire/xml.js';
import { nameReader, readListing } from './listing.js';
import type { Upstream } from './upstream.js';

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
    const read = nameReader(listing);
    for (const entry of children(listing, 'Contents')) names.push(read(entry, 'Key').slice(prefix.length));
    token =
      childText(listing, 'IsTruncated') === 'true' ? childText(listing, 'NextContinuationToken') : undefined;
  } while (token !== undefined);
  return names;
}
