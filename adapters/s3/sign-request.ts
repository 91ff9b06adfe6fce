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
  const timestamp = request.now.toISOString().replace(/[-:]|\.\d{3}/g, '');
  const day = timestamp.slice(0, 8);
  const headers: Record<string, string> = { host: request.host };
  for (const [name, value] of Object.entries(request.headers)) if (value !== undefined) headers[name] = value;
  headers['x-amz-date'] = timestamp;
  headers['x-amz-content-sha256'] = request.payload_hash;
  const { accessKeyId, secretAccessKey, sessionToken } = request.credentials;
  if (sessionToken !== undefined) headers['x-amz-security-token'] = sessionToken;
  // The transport may add or rewrite the others on its way.
  const signed_headers = Object.keys(headers)
    .filter(
      (name) =>
        name === 'host' || name.startsWith('x-amz-') || name === 'content-md5' || name === 'content-type',
    )
    .sort();
  const canonical = canonicalRequest({
    method: request.method,
    path: request.path,
    query: request.query,
    signed_headers,
    // Signed is the text, sent are its bytes.
    header: (name) => fromLatin1(headers[name] ?? ''),
    payload_hash: request.payload_hash,
  });
  const scope = credentialScope(day, request.region, 's3');
  const signature = sign(
    signingKey(secretAccessKey, day, request.region, 's3'),
    stringToSign(timestamp, scope, canonical),
  );
  headers.authorization = `${SIGV4_ALGORITHM} Credential=${accessKeyId}/${scope}, SignedHeaders=${signed_headers.join(';')}, Signature=${signature}`;
  return headers;
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
