import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { LIMITS } from '../../config/limits.js';
import { S3Error } from './errors.js';

/** The only file that knows the XML library: request documents in, answer documents out. */

/** An element of a request document. Names are data and never become properties, so `__proto__` is harmless. */
export interface XmlElement {
  /** Without a namespace prefix. */
  readonly name: string;
  /** Character data with references resolved, white space as it came; '' for an element that only has children. */
  readonly text: string;
  readonly children: readonly XmlElement[];
  /** By their names as written (`xsi:type`). */
  readonly attributes: ReadonlyMap<string, string>;
}

export type XmlContent = { readonly [name: string]: XmlValue };
export type XmlValue =
  | string
  | number
  | boolean
  | undefined
  | XmlContent
  | readonly (string | number | XmlContent)[];

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';
export const XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';

const TEXT = '#text';
const CDATA = '#cdata';
const ATTRIBUTES = ':@';

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  // Resolved below: the five that XML has and numbers, nothing that a document could define.
  processEntities: false,
  cdataPropName: CDATA,
  ignoreDeclaration: true,
  ignorePiTags: true,
});

/**
 * Reads a request document whose root must be `root`, in any namespace. MalformedXML for anything that is not
 * well-formed, for a document type, for an unknown entity, and for what is longer than `bytes_max`.
 */
export function parseXml(
  document: string,
  root: string,
  bytes_max: number = LIMITS.xml_bytes_max,
): XmlElement {
  if (document.length > bytes_max) throw malformed('the document is too long');
  // A declaration of a type or an entity is refused wherever it stands (CDATA included): nobody needs one.
  if (/<!(?!--|\[CDATA\[)/.test(document)) throw malformed('document types are not accepted');
  // The library overlooks text behind a root element that is closed in one (`<A/>x`).
  if (XMLValidator.validate(document) !== true || !document.trimEnd().endsWith('>')) {
    throw malformed('it is not well-formed');
  }
  const [element, ...more] = toElements(parse(document));
  if (element === undefined || more.length > 0 || element.name !== root) {
    throw malformed(`the root element must be ${root}`);
  }
  return element;
}

/** The child of that name; undefined without one. MalformedXML when there are several. */
export function child(element: XmlElement, name: string): XmlElement | undefined {
  const [first, ...more] = children(element, name);
  if (more.length > 0) throw malformed(`${name} stands more than once in ${element.name}`);
  return first;
}

export function children(element: XmlElement, name: string): readonly XmlElement[] {
  return element.children.filter((candidate) => candidate.name === name);
}

export function childText(element: XmlElement, name: string): string | undefined {
  return child(element, name)?.text;
}

export function malformed(reason: string): S3Error {
  return new S3Error('MalformedXML', { fields: { Reason: reason } });
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

type ParsedNode = Readonly<Record<string, unknown>>;

function parse(document: string): readonly ParsedNode[] {
  try {
    return parser.parse(document) as readonly ParsedNode[];
  } catch (error) {
    // Reserved names and nesting beyond the library's bound.
    throw new S3Error('MalformedXML', { cause: error });
  }
}

function toElements(nodes: readonly ParsedNode[]): XmlElement[] {
  const elements: XmlElement[] = [];
  for (const node of nodes) {
    const name = Object.keys(node).find((key) => key !== ATTRIBUTES);
    if (name !== undefined && name !== TEXT && name !== CDATA) elements.push(toElement(name, node));
  }
  return elements;
}

function toElement(name: string, node: ParsedNode): XmlElement {
  const content = (node[name] ?? []) as readonly ParsedNode[];
  const nested = toElements(content);
  const attributes = new Map<string, string>();
  for (const [key, value] of Object.entries(node[ATTRIBUTES] ?? {})) {
    attributes.set(key, resolveReferences(String(value)));
  }
  return {
    name: name.slice(name.indexOf(':') + 1),
    text: nested.length > 0 ? '' : content.map(characterData).join(''),
    children: nested,
    attributes,
  };
}

function characterData(node: ParsedNode): string {
  const text = node[TEXT];
  if (typeof text === 'string') return resolveReferences(text);
  const literal = node[CDATA];
  return Array.isArray(literal) ? literal.map((part) => String(part[TEXT] ?? '')).join('') : '';
}

const PREDEFINED: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
]);

function resolveReferences(text: string): string {
  if (!text.includes('&')) return text;
  return text.replaceAll(/&([^;]*);?/g, (reference, name: string) => {
    if (!reference.endsWith(';')) throw malformed('an ampersand stands alone');
    const known = PREDEFINED.get(name);
    if (known !== undefined) return known;
    const number = /^#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}))$/.exec(name);
    const code =
      number === null ? Number.NaN : Number.parseInt(number[1] ?? number[2] ?? '', number[1] ? 16 : 10);
    // AWS takes references to control characters, which strict XML 1.0 does not: keys may hold them.
    if (!(code > 0 && code <= 0x10_ffff) || (code >= 0xd800 && code <= 0xdfff))
      throw malformed('unknown entity');
    return String.fromCodePoint(code);
  });
}
