/** An ETag as it goes on the wire: the contract keeps it bare. */
export function quoteEtag(etag: string): string {
  return `"${etag}"`;
}

/** An ETag as clients send it, with or without quotes and weak prefix, in the bare form. */
export function bareEtag(text: string): string {
  let etag = text.trim();
  if (etag.startsWith('W/')) etag = etag.slice(2);
  return etag.length >= 2 && etag.startsWith('"') && etag.endsWith('"') ? etag.slice(1, -1) : etag;
}

/** A list of entity tags (RFC 9110, section 13.1.1). ETags of S3 never contain a comma. */
export function etagList(text: string): string[] {
  return text
    .split(',')
    .map(bareEtag)
    .filter((etag) => etag !== '');
}
