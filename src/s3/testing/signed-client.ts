import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import type { Credential } from '../../access/identity.js';
import {
  canonicalQuery,
  canonicalRequest,
  credentialScope,
  SIGV4_ALGORITHM,
  sha256Hex,
  sign,
  signingKey,
  stringToSign,
} from '../../wire/sigv4.js';
import { encodeUriComponent, encodeUriPath } from '../../wire/uri.js';

type Keys = Pick<Credential, 'access_key' | 'secret_key'>;

interface TestRequest {
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Without a signature when null. */
  readonly as?: Keys | null;
}

export interface TestReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
  /** The text of the first element of that name, references resolved; undefined when there is none. */
  element(name: string): string | undefined;
  /** The texts of all elements of that name. */
  elements(name: string): string[];
}

export interface TestClient {
  /** `path` is decoded: `/bucket/key`. */
  send(method: string, path: string, request?: TestRequest): Promise<TestReply>;
}

/** A small S3 client that signs in the Authorization header, path style, and judges nothing. */
export function signedClient(port: number, region: string, keys: Keys): TestClient {
  return {
    send(method, path, request = {}) {
      const by = request.as === undefined ? keys : request.as;
      const rawPath = encodeUriPath(path);
      const parameters = Object.entries(request.query ?? {}).map(
        ([name, value]) => [encodeUriComponent(name), encodeUriComponent(value)] as const,
      );
      const query = canonicalQuery(parameters);
      const body = Buffer.from(request.body ?? '');
      const base = { host: `127.0.0.1:${port}`, ...request.headers };
      const headers =
        by === null ? base : signedHeaders({ method, path: rawPath, query, body, headers: base, by, region });
      return exchange(port, method, query === '' ? rawPath : `${rawPath}?${query}`, headers, body);
    },
  };
}

export interface Unsigned {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  readonly by: Keys;
  readonly region: string;
}

export function signedHeaders({
  method,
  path,
  query,
  body,
  headers,
  by,
  region,
}: Unsigned): Record<string, string> {
  const timestamp = `${new Date().toISOString().replace(/[-:]|\.\d{3}/g, '')}`;
  const day = timestamp.slice(0, 8);
  const payload_hash = headers['x-amz-content-sha256'] ?? sha256Hex(body);
  const all: Record<string, string> = {
    ...headers,
    'x-amz-date': timestamp,
    'x-amz-content-sha256': payload_hash,
  };
  const signed_headers = Object.keys(all).sort();
  const canonical = canonicalRequest({
    method,
    path,
    query,
    signed_headers,
    // Headers are given as node sends them, one character for each byte; what is signed is the text.
    header: (name) => Buffer.from(all[name] ?? '', 'latin1').toString('utf8'),
    payload_hash,
  });
  const scope = credentialScope(day, region, 's3');
  const signature = sign(
    signingKey(by.secret_key, day, region, 's3'),
    stringToSign(timestamp, scope, canonical),
  );
  all.authorization = `${SIGV4_ALGORITHM} Credential=${by.access_key}/${scope}, SignedHeaders=${signed_headers.join(';')}, Signature=${signature}`;
  return all;
}

function exchange(
  port: number,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: Buffer,
): Promise<TestReply> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        host: '127.0.0.1',
        port,
        method,
        path,
        agent: false,
        headers: { ...headers, 'content-length': String(body.length) },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          resolve(toReply(response.statusCode ?? 0, response.headers, Buffer.concat(chunks)));
        });
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

function toReply(status: number, headers: IncomingHttpHeaders, body: Buffer): TestReply {
  const text = body.toString('utf8');
  const elements = (name: string) =>
    [...text.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map((match) =>
      plainText(match[1] ?? ''),
    );
  return { status, headers, body, text, elements, element: (name) => elements(name)[0] };
}

function plainText(xml: string): string {
  return xml
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#13;', '\r')
    .replaceAll('&amp;', '&');
}
