const WORD = /=\?utf-8\?([qb])\?([^?\s]*)\?=/gi;
const WORDS_ONLY = /^=\?utf-8\?[qb]\?[^?\s]*\?=(?:\s+=\?utf-8\?[qb]\?[^?\s]*\?=)*$/i;

/**
 * A header value as text where it is written in encoded words (RFC 2047, section 2): MinIO and AWS answer so with metadata
 * beyond ASCII, however it was sent. Any other value as it is.
 */
export function decodeWords(value: string): string {
  if (!WORDS_ONLY.test(value)) return value;
  const pieces = [...value.matchAll(WORD)].map(([, encoding = '', content = '']) =>
    encoding.toLowerCase() === 'b' ? Buffer.from(content, 'base64') : fromQuoted(content),
  );
  return Buffer.concat(pieces).toString('utf8');
}

/** RFC 2047, section 4.2. */
function fromQuoted(content: string): Buffer {
  const bytes = content
    .replaceAll('_', ' ')
    .replaceAll(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1');
}
