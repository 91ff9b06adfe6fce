import { decodeQueryPart, encodeUriComponent } from '../wire/uri.js';
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
const LINE_BREAK = /[\r\n]/;
const NOTHING = fromMap(new Map(), []);

/** Takes what follows the `?`. InvalidURI for broken escapes and for what is no UTF-8. */
export function parseQuery(raw: string): ParsedQuery {
  if (raw === '') return NOTHING;
  const values = new Map<string, string>();
  const encoded: [string, string][] = [];
  for (const part of raw.split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const rawName = equals === -1 ? part : part.slice(0, equals);
    const rawValue = equals === -1 ? '' : part.slice(equals + 1);
    const name = decoded(rawName);
    const value = decoded(rawValue);
    encoded.push([signed(rawName, name), signed(rawValue, value)]);
    if (values.has(name)) continue;
    values.set(name, value);
    // They become response headers, where a line break would begin a header of the client's making.
    if (name.startsWith('response-') && LINE_BREAK.test(value)) {
      throw new S3Error('InvalidArgument', {
        message: 'A response header override must not hold line breaks.',
        fields: { ArgumentName: name },
      });
    }
  }
  return fromMap(values, encoded);
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
  if (UNRESERVED.test(raw)) return raw;
  const value = decodeQueryPart(raw);
  if (value === undefined) throw new S3Error('InvalidURI');
  return value;
}

/** SigV4, "CanonicalQueryString": names and values are encoded anew. */
function signed(raw: string, value: string): string {
  // Reserved characters that were sent as they are: their encoded form is what was signed.
  return raw === value && UNRESERVED.test(raw) ? raw : encodeUriComponent(value);
}
