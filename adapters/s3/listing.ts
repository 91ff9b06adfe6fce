import { LIMITS } from '../../config/limits.js';
import { decodeQueryPart } from '../../src/wire/uri.js';
import { childText, parseXml, type XmlElement, XmlError } from '../../src/wire/xml.js';
import { StoreError } from '../contract/index.js';

/** A listing document. `unexpected` for what is none. */
export function readListing(document: string, root: string): XmlElement {
  try {
    return parseXml(document, root, LIMITS.upstream_xml_bytes_max);
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    throw new StoreError('unexpected', `the upstream's ${root}: ${error.message}`, { subject: 'adapter' });
  }
}

/** How names are written in a listing: servers that take encoding-type=url say so. */
export function nameReader(listing: XmlElement): (element: XmlElement, name: string) => string {
  const encoded = childText(listing, 'EncodingType')?.toLowerCase() === 'url';
  return (element, name) => {
    const raw = childText(element, name) ?? '';
    return encoded ? (decodeQueryPart(raw) ?? raw) : raw;
  };
}

/** UTF-8 byte order; JavaScript's own is that of UTF-16 units. */
export function isBehind(name: string, after: string): boolean {
  return byBytes(name, after) > 0;
}

/** A position before all keys of the prefix is none: some servers then show nothing. */
export function startBehind(prefix: string | undefined, after: string | undefined): string | undefined {
  if (!after) return undefined;
  return prefix === undefined || isBehind(after, prefix) || after === prefix ? after : undefined;
}

/** Where the next page begins; undefined at the end. Fails where that is where this one began. */
export function nextToken(next: string | undefined, present: string | undefined): string | undefined {
  if (!next) return undefined;
  if (next === present) throw endlessListing();
  return next;
}

export function endlessListing(): StoreError {
  return new StoreError('unexpected', "the upstream's listing does not go on", { subject: 'adapter' });
}

/** S3's order of names: that of their UTF-8 forms. */
export function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
