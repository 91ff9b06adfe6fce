import {
  canonicalQuery,
  canonicalRequest,
  credentialScope,
  EMPTY_SHA256,
  SIGV4_ALGORITHM,
  sha256Hex,
  sign,
  signingKey,
  stringToSign,
} from '../../src/wire/sigv4.js';
import { encodeUriComponent } from '../../src/wire/uri.js';
import type { Body } from '../contract/index.js';
import { fromLatin1 } from './attributes.js';
import type { UpstreamCredentials } from './options.js';

export interface RequestToSign {
  readonly method: string;
  readonly host: string;
  /** Encoded. */
  readonly path: string;
  /** See encodeQuery. */
  readonly query: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly payload_hash: string;
  readonly region: string;
  readonly credentials: UpstreamCredentials;
  readonly now: Date;
}

/** The headers to send: all that were given, and those that authenticate them. */
export function signedHeaders(request: RequestToSign): Record<string, string> {
  const { region, payload_hash } = request;
  const { timestamp, day } = timeOf(request.now);
  const headers: Record<string, string> = { host: request.host };
  for (const name in request.headers) {
    const value = request.headers[name];
    if (value !== undefined) headers[name] = value;
  }
  headers['x-amz-date'] = timestamp;
  headers['x-amz-content-sha256'] = payload_hash;
  const { accessKeyId, secretAccessKey, sessionToken } = request.credentials;
  if (sessionToken !== undefined) headers['x-amz-security-token'] = sessionToken;
  const signed_headers: string[] = [];
  for (const name in headers) if (isSigned(name)) signed_headers.push(name);
  signed_headers.sort();
  const canonical = canonicalRequest({
    method: request.method,
    path: request.path,
    query: request.query,
    signed_headers,
    // Signed is the text, sent are its bytes.
    header: (name) => fromLatin1(headers[name] ?? ''),
    payload_hash,
  });
  const scope = credentialScope(day, region, 's3');
  const key = signingKey(secretAccessKey, day, region, 's3');
  const signature = sign(key, stringToSign(timestamp, scope, canonical));
  headers.authorization = `${SIGV4_ALGORITHM} Credential=${accessKeyId}/${scope}, SignedHeaders=${signed_headers.join(';')}, Signature=${signature}`;
  return headers;
}

/** The transport may add or rewrite the others on its way. */
function isSigned(name: string): boolean {
  return name === 'host' || name.startsWith('x-amz-') || name === 'content-md5' || name === 'content-type';
}

interface SigningTime {
  readonly second: number;
  /** `20260131T235959Z`. */
  readonly timestamp: string;
  readonly day: string;
}

/** Of many requests within a second. */
let last: SigningTime | undefined;

function timeOf(now: Date): SigningTime {
  const second = Math.floor(now.getTime() / 1_000);
  if (last?.second === second) return last;
  const timestamp = now.toISOString().replace(/[-:]|\.\d{3}/g, '');
  last = { second, timestamp, day: timestamp.slice(0, 8) };
  return last;
}

/** Sorted and encoded, as it is both sent and signed. */
export function encodeQuery(query: Readonly<Record<string, string | number | undefined>> = {}): string {
  const parameters = Object.entries(query)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [encodeUriComponent(name), encodeUriComponent(String(value))] as const);
  return canonicalQuery(parameters);
}

/** The digest of a body in memory; a stream is not read twice for it. */
export function payloadHash(body: Body | undefined): string {
  if (body === undefined) return EMPTY_SHA256;
  return body instanceof Uint8Array ? sha256Hex(body) : 'UNSIGNED-PAYLOAD';
}
