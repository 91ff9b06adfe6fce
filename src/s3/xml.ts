import { LIMITS } from '../../config/limits.js';
import * as wire from '../wire/xml.js';
import { S3Error } from './errors.js';

/** Request documents in, answer documents out. What is wrong with a request document is MalformedXML. */

export type XmlElement = wire.XmlElement;

export type XmlContent = { readonly [name: string]: XmlValue };
type XmlValue =
  | string
  | number
  | boolean
  | undefined
  | XmlContent
  | readonly (string | number | XmlContent)[];

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';
export const XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';

/** See wire/xml.ts. */
export function parseXml(
  document: string,
  root: string,
  bytes_max: number = LIMITS.xml_bytes_max,
): XmlElement {
  return orMalformed(() => wire.parseXml(document, root, bytes_max));
}

/** The child of that name; undefined without one. MalformedXML when there are several. */
export function child(element: XmlElement, name: string): XmlElement | undefined {
  return orMalformed(() => wire.child(element, name));
}

export const { children } = wire;

export function childText(element: XmlElement, name: string): string | undefined {
  return child(element, name)?.text;
}

function orMalformed<Result>(read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    if (error instanceof wire.XmlError) throw malformed(error.message, error);
    throw error;
  }
}

export function malformed(reason: string, cause?: unknown): S3Error {
  return new S3Error('MalformedXML', { fields: { Reason: reason }, cause });
}

/**
 * An answer document: properties become elements in their order, arrays repeat theirs, undefined is left out.
 * `namespace: false` for the error document, which S3 sends without one.
 */
export function xml(
  root: string,
  content: XmlContent,
  options: { readonly namespace?: boolean } = {},
): string {
  const namespace = options.namespace === false ? '' : ` xmlns="${NAMESPACE}"`;
  return `${XML_DECLARATION}<${root}${namespace}>${writeContent(content)}</${root}>`;
}

/** An answer document whose content is written already: listings put theirs together element by element. */
export function xmlDocument(root: string, content: string): string {
  return `${XML_DECLARATION}<${root} xmlns="${NAMESPACE}">${content}</${root}>`;
}

function writeContent(content: XmlContent): string {
  let text = '';
  for (const name in content) {
    const value = content[name];
    if (value === undefined) continue;
    if (Array.isArray(value)) {
      for (const item of value) text += writeElement(name, item);
    } else {
      text += writeElement(name, value as Exclude<typeof value, readonly unknown[]>);
    }
  }
  return text;
}

function writeElement(name: string, value: string | number | boolean | XmlContent): string {
  if (typeof value === 'string') return `<${name}>${escapeXml(value)}</${name}>`;
  if (typeof value === 'object') return `<${name}>${writeContent(value)}</${name}>`;
  return `<${name}>${value}</${name}>`;
}

// Carriage returns would be read as line feeds (XML 1.0, section 2.11); of the other control characters, and of
// U+FFFE, U+FFFF and lone surrogates, XML 1.0 has no written form at all, not even as a reference (section 2.2).
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNSAFE = /[&<>"\u0000-\u0008\u000b-\u001f\ufffe\uffff\ud800-\udfff]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const EACH_UNSAFE = /[&<>"\u0000-\u0008\u000b-\u001f\ufffe\uffff]|\p{Surrogate}/gu;

/**
 * Text for an element or attribute. What XML cannot carry becomes U+FFFD, so that one odd key does not make a whole
 * listing unreadable for a strict parser; `encoding-type=url` gives such keys unharmed.
 */
export function escapeXml(text: string): string {
  return UNSAFE.test(text) ? text.replace(EACH_UNSAFE, escapeCharacter) : text;
}

function escapeCharacter(character: string): string {
  switch (character) {
    case '&':
      return '&amp;';
    case '<':
      return '&lt;';
    case '>':
      return '&gt;';
    case '"':
      return '&quot;';
    case '\r':
      return '&#13;';
    default:
      return '\ufffd';
  }
}
