import { isUtf8 } from 'node:buffer';

/** Percent-encoding as AWS signs it (SigV4, "UriEncode"): all but A-Z a-z 0-9 - . _ ~ is escaped, in capitals. */

const UNRESERVED = /^[A-Za-z0-9\-._~]*$/;
const UNRESERVED_OR_SLASH = /^[A-Za-z0-9\-._~/]*$/;
/** What encodeURIComponent leaves and AWS does not. */
const LEFT_OVER = /[!'()*]/g;
const NOT_IN_PATH = /[^A-Za-z0-9\-._~/%]/g;
const BAD_ESCAPE = /%(?![0-9A-Fa-f]{2})/;
const BEYOND_ASCII = /[\u0080-\uffff]/;

export function encodeUriComponent(text: string): string {
  if (UNRESERVED.test(text)) return text;
  return encodeURIComponent(text).replaceAll(LEFT_OVER, escapeAscii);
}

/** The same, with slashes kept: for a key in a path. */
export function encodeUriPath(text: string): string {
  if (UNRESERVED_OR_SLASH.test(text)) return text;
  return encodeUriComponent(text).replaceAll('%2F', '/');
}

/**
 * Escapes what a client sent unescaped in a path and leaves its escapes alone, so nothing is decoded on the way:
 * `a+b%2F` becomes `a%2Bb%2F`.
 */
export function escapeRawPath(raw: string): string {
  return raw.replaceAll(NOT_IN_PATH, escapeAscii);
}

/** Decodes once. Undefined for a broken escape, for bytes that are no UTF-8, and for characters beyond ASCII. */
export function decodeUri(raw: string): string | undefined {
  if (!raw.includes('%')) return BEYOND_ASCII.test(raw) ? undefined : raw;
  if (BAD_ESCAPE.test(raw) || BEYOND_ASCII.test(raw)) return undefined;
  const bytes = Buffer.allocUnsafe(raw.length);
  let length = 0;
  for (let index = 0; index < raw.length; index += 1) {
    if (raw[index] === '%') {
      bytes[length] = Number.parseInt(raw.slice(index + 1, index + 3), 16);
      index += 2;
    } else {
      bytes[length] = raw.charCodeAt(index);
    }
    length += 1;
  }
  const decoded = bytes.subarray(0, length);
  return isUtf8(decoded) ? decoded.toString('utf8') : undefined;
}

/** A name or value of a query, where `+` is a space (application/x-www-form-urlencoded). */
export function decodeQueryPart(raw: string): string | undefined {
  return decodeUri(raw.includes('+') ? raw.replaceAll('+', ' ') : raw);
}

function escapeAscii(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}
