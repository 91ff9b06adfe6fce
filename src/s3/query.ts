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

/** Of unreserved characters and escaped slashes, which credentials have. */
const PLAIN = /^(?:[A-Za-z0-9\-._~&=]|%2F)*$/;
const LINE_BREAK = /[\r\n]/;
const NOTHING = fromMap(new Map(), []);

/** Takes what follows the `?`. InvalidURI for broken escapes and for what is no UTF-8. */
export function parseQuery(raw: string): ParsedQuery {
  if (raw === '') return NOTHING;
  const values = new Map<string, string>();
  const encoded: (readonly [string, string])[] = [];
  // Most hold nothing that is signed in another form than it was sent.
  const plain = PLAIN.test(raw);
  for (let start = 0, end = 0; start < raw.length; start = end + 1) {
    end = raw.indexOf('&', start);
    if (end === -1) end = raw.length;
    if (end === start) continue;
    const found = raw.indexOf('=', start);
    const equals = found === -1 || found > end ? end : found;
    const rawName = raw.slice(start, equals);
    const rawValue = raw.slice(Math.min(equals + 1, end), end);
    const name = plain && !rawName.includes('%') ? rawName : decoded(rawName);
    const value = plain && !rawValue.includes('%') ? rawValue : decoded(rawValue);
    const asSent = plain && !rawValue.includes('=');
    encoded.push(asSent ? [rawName, rawValue] : [signed(rawName, name), signed(rawValue, value)]);
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
