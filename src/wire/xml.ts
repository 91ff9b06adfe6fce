import { XMLParser, XMLValidator } from 'fast-xml-parser';

/** Reading XML: the only file that knows the XML library. */

/** Not well-formed, not acceptable, or not what was asked for. The message says why. */
export class XmlError extends Error {
  constructor(reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.name = 'XmlError';
  }
}

/** An element of a document. Names are data and never become properties, so `__proto__` is harmless. */
export interface XmlElement {
  /** Without a namespace prefix. */
  readonly name: string;
  /** Character data with references resolved, white space as it came; '' for an element that only has children. */
  readonly text: string;
  readonly children: readonly XmlElement[];
  /** By their names as written (`xsi:type`). */
  readonly attributes: ReadonlyMap<string, string>;
}

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
 * Reads a document whose root must be `root`, in any namespace. XmlError for anything that is not
 * well-formed, for a document type, for an unknown entity, and for what is longer than `bytes_max`.
 */
export function parseXml(document: string, root: string, bytes_max: number): XmlElement {
  if (document.length > bytes_max) throw new XmlError('the document is too long');
  // A declaration of a type or an entity is refused wherever it stands (CDATA included): nobody needs one.
  if (/<!(?!--|\[CDATA\[)/.test(document)) throw new XmlError('document types are not accepted');
  const simple = readSimple(document);
  if (simple !== undefined) return named(simple, root);
  // The library overlooks text behind a root element that is closed in one (`<A/>x`).
  if (XMLValidator.validate(document) !== true || !document.trimEnd().endsWith('>')) {
    throw new XmlError('it is not well-formed');
  }
  const [element, ...more] = toElements(parse(document));
  return named(more.length > 0 ? undefined : element, root);
}

function named(element: XmlElement | undefined, root: string): XmlElement {
  if (element?.name === root) return element;
  throw new XmlError(`the root element must be ${root}`);
}

/** The child of that name; undefined without one. XmlError when there are several. */
export function child(element: XmlElement, name: string): XmlElement | undefined {
  const [first, ...more] = children(element, name);
  if (more.length > 0) throw new XmlError(`${name} stands more than once in ${element.name}`);
  return first;
}

export function children(element: XmlElement, name: string): readonly XmlElement[] {
  return element.children.filter((candidate) => candidate.name === name);
}

export function childText(element: XmlElement, name: string): string | undefined {
  return child(element, name)?.text;
}

const DECLARATION = /^(?:<\?xml version="1\.0"(?: encoding="(?:UTF|utf)-8")? ?\?>)?\s*/;
/** A start tag, perhaps with a namespace, an end tag, or text. */
const TOKEN = /<([A-Z][A-Za-z0-9]*)(?: xmlns="([^"<>&]*)")?>|<\/([A-Z][A-Za-z0-9]*)>|([^<>\r]+)/y;
const SIMPLE_DEPTH_MAX = 16;
const NO_ATTRIBUTES: ReadonlyMap<string, string> = new Map();

interface OpenElement {
  readonly name: string;
  text: string;
  readonly children: XmlElement[];
  readonly attributes: ReadonlyMap<string, string>;
}

/**
 * Reads what nearly all clients send: elements and text, one after the other. Undefined for all else, well-formed or not,
 * which the library then reads. That takes eight times as long: 300 ms for a complete of 10,000 parts, on the event loop.
 */
function readSimple(document: string): XmlElement | undefined {
  const text = document.trimEnd();
  const root: OpenElement = { name: '', text: '', children: [], attributes: NO_ATTRIBUTES };
  const open: OpenElement[] = [root];
  TOKEN.lastIndex = DECLARATION.exec(text)?.[0].length ?? 0;
  while (TOKEN.lastIndex < text.length) {
    const token = TOKEN.exec(text);
    const inside = open.at(-1);
    if (token === null || inside === undefined) return undefined;
    const [, start, namespace, end, characters] = token;
    if (start !== undefined) {
      if (open.length > SIMPLE_DEPTH_MAX) return undefined;
      open.push({ name: start, text: '', children: [], attributes: attributesOf(namespace) });
    } else if (end !== undefined) {
      if (inside.name !== end) return undefined;
      open.pop();
      open.at(-1)?.children.push(inside.children.length > 0 ? { ...inside, text: '' } : inside);
    } else {
      inside.text += resolveReferences(characters ?? '');
    }
  }
  const [element, ...more] = root.children;
  return open.length > 1 || more.length > 0 || root.text.trim() !== '' ? undefined : element;
}

function attributesOf(namespace: string | undefined): ReadonlyMap<string, string> {
  return namespace === undefined ? NO_ATTRIBUTES : new Map([['xmlns', namespace]]);
}

type ParsedNode = Readonly<Record<string, unknown>>;

function parse(document: string): readonly ParsedNode[] {
  try {
    return parser.parse(document) as readonly ParsedNode[];
  } catch (error) {
    // Reserved names and nesting beyond the library's bound.
    throw new XmlError('it cannot be parsed', { cause: error });
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
    if (!reference.endsWith(';')) throw new XmlError('an ampersand stands alone');
    const known = PREDEFINED.get(name);
    if (known !== undefined) return known;
    const number = /^#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}))$/.exec(name);
    const code =
      number === null ? Number.NaN : Number.parseInt(number[1] ?? number[2] ?? '', number[1] ? 16 : 10);
    // AWS takes references to control characters, which strict XML 1.0 does not: keys may hold them.
    if (!(code > 0 && code <= 0x10_ffff) || (code >= 0xd800 && code <= 0xdfff))
      throw new XmlError('unknown entity');
    return String.fromCodePoint(code);
  });
}
