/** Percent-encoding as AWS signs it (SigV4, "UriEncode"): all but A-Z a-z 0-9 - . _ ~ is escaped, in capitals. */

const UNRESERVED = /^[A-Za-z0-9\-._~]*$/;
/** Unreserved characters, and escapes in capitals of those that are not. */
const CANONICAL =
  /^(?:[A-Za-z0-9\-._~]|%(?:[01][0-9A-F]|2[0-9A-CF]|3[A-F]|40|5[BCDE]|60|7[BCDF]|[89A-F][0-9A-F]))*$/;
const UNRESERVED_OR_SLASH = /^[A-Za-z0-9\-._~/]*$/;
/** What encodeURIComponent leaves and AWS does not. */
const LEFT_OVER = /[!'()*]/g;
const NOT_IN_PATH = /[^A-Za-z0-9\-._~/%]/g;
const BEYOND_ASCII = /[\u0080-\uffff]/;

export function encodeUriComponent(text: string): string {
  if (UNRESERVED.test(text)) return text;
  return encodeURIComponent(text).replaceAll(LEFT_OVER, escapeAscii);
}

/** Whether a raw component is what encodeUriComponent gives for its decoded form. */
export function isCanonical(raw: string): boolean {
  return CANONICAL.test(raw);
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
  if (BEYOND_ASCII.test(raw)) return undefined;
  if (!raw.includes('%')) return raw;
  try {
    return decodeURIComponent(raw);
  } catch {
    return undefined;
  }
}

/** A name or value of a query, where `+` is a space (application/x-www-form-urlencoded). */
export function decodeQueryPart(raw: string): string | undefined {
  return decodeUri(raw.includes('+') ? raw.replaceAll('+', ' ') : raw);
}

function escapeAscii(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}
