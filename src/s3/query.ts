import { decodeQueryPart, encodeUriComponent, isCanonical } from '../wire/uri.js';
import { S3Error } from './errors.js';
import type { Query } from './operation.js';

/** A query with the two forms that a request needs: decoded for operations, encoded for the signature. */
export interface ParsedQuery extends Query {
  /** All of them, in the order sent, encoded as they are signed. */
  readonly encoded: readonly (readonly [name: string, value: string])[];
  /** Decoded names, each once. */
  names(): IterableIterator<string>;
}

const UNRESERVED = /^[A-Za-z0-9\-._~]*$/;
const PLAIN_PAIR = /^[A-Za-z0-9\-._~]+=[A-Za-z0-9\-._~]*$/;
const LINE_BREAK = /[\r\n]/;
const NOTHING = fromMap(new Map(), []);

/** Takes what follows the `?`. InvalidURI for broken escapes and for what is no UTF-8. */
export function parseQuery(raw: string): ParsedQuery {
  if (raw === '') return NOTHING;
  const values = new Map<string, string>();
  const encoded: (readonly [string, string])[] = [];
  for (const part of raw.split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const rawName = equals === -1 ? part : part.slice(0, equals);
    const rawValue = equals === -1 ? '' : part.slice(equals + 1);
    // Most are plain, so both of their forms are what was sent.
    const plain = equals === -1 ? UNRESERVED.test(part) : PLAIN_PAIR.test(part);
    const name = plain ? rawName : decoded(rawName);
    const value = plain ? rawValue : decoded(rawValue);
    encoded.push(plain ? [name, value] : [signed(rawName, name), signed(rawValue, value)]);
    if (values.has(name)) continue;
    values.set(name, value);
    if (name.startsWith('response-')) refuseLineBreaks(name, value);
  }
  return fromMap(values, encoded);
}

/** They become response headers, where a line break would begin a header of the client's making. */
function refuseLineBreaks(name: string, value: string): void {
  if (!LINE_BREAK.test(value)) return;
  throw new S3Error('InvalidArgument', {
    message: 'A response header override must not hold line breaks.',
    fields: { ArgumentName: name },
  });
}

function fromMap(values: ReadonlyMap<string, string>, encoded: ParsedQuery['encoded']): ParsedQuery {
  return {
    encoded,
    names: () => values.keys(),
    has: (name) => values.has(name),
    get: (name) => values.get(name),
  };
}

function decoded(raw: string): string {
  const value = decodeQueryPart(raw);
  if (value === undefined) throw new S3Error('InvalidURI');
  return value;
}

/** SigV4, "CanonicalQueryString": names and values are encoded anew, in one form whatever the client sent. */
function signed(raw: string, value: string): string {
  return isCanonical(raw) ? raw : encodeUriComponent(value);
}
