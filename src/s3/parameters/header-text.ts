import { isUtf8 } from 'node:buffer';

const BEYOND_ASCII = /[\u0080-\uffff]/;

/**
 * The text of a header value. node hands each byte over as one character; clients send UTF-8, so bytes that are
 * valid UTF-8 are read as such and others are kept as Latin-1.
 */
export function decodeHeader(value: string): string {
  if (!BEYOND_ASCII.test(value)) return value;
  const bytes = Buffer.from(value, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : value;
}

/** The opposite of decodeHeader: one character for each byte of the UTF-8 form, as node writes headers. */
export function encodeHeader(value: string): string {
  return BEYOND_ASCII.test(value) ? Buffer.from(value, 'utf8').toString('latin1') : value;
}

/** The decoded value of a single header, or undefined when it was not sent. */
export function headerText(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  name: string,
): string | undefined {
  const value = headers[name];
  if (value === undefined) return undefined;
  return decodeHeader(typeof value === 'string' ? value : value.join(','));
}
