import { isIP } from 'node:net';

/** RFC 1123, section 2.1, and RFC 952: letters, digits and hyphens, at most 63 to a label and 253 in all. */
const LABEL = /^(?!-)[A-Za-z0-9_-]{1,63}(?<!-)$/;
const NAME_CHARACTERS_MAX = 253;

function isName(text: string): boolean {
  const name = text.endsWith('.') ? text.slice(0, -1) : text;
  if (name.length === 0 || name.length > NAME_CHARACTERS_MAX) return false;
  const labels = name.split('.');
  // A name that ends in digits only is an IPv4 address, and isIP has already said that it is none (WHATWG URL, 3.5).
  return labels.every((label) => LABEL.test(label)) && !/^\d+$/.test(labels.at(-1) ?? '');
}

/** Whether the text is a host name, an IPv4 address or an IPv6 address (with or without brackets); no port, no scheme. */
export function isNodeAddress(text: string): boolean {
  if (text.startsWith('[')) return text.endsWith(']') && isIP(text.slice(1, -1)) === 6;
  return isIP(text) !== 0 || isName(text);
}

/** The address without brackets and in lower case, to compare with. */
export function canonicalAddress(address: string): string {
  return address.replace(/^\[|\]$/g, '').toLowerCase();
}
