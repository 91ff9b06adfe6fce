import { isIP } from 'node:net';
import { S3Client } from '@aws-sdk/client-s3';
import { Agent } from 'undici';
import { LIMITS } from '../../config/limits.js';
import { encodeUriPath } from '../../src/wire/uri.js';
import { childText, parseXml, XmlError } from '../../src/wire/xml.js';
import type { Body, StoreError } from '../contract/index.js';
import { orAborted } from './abortable.js';
import type { AnswerBody } from './answer-body.js';
import { type AnswerHeaders, text } from './attributes.js';
import { type CredentialSource, credentialSource } from './credential-source.js';
import { escapeDotSegments, escapeDotsOfSdk } from './dot-segments.js';
import { createEndpoints, spreadSdk } from './endpoints.js';
import { answerError } from './errors.js';
import { exchange, type UpstreamAnswer } from './exchange.js';
import { growingReads } from './growing-reads.js';
import type { S3AdapterOptions, UpstreamCredentials } from './options.js';
import { PROVIDER_HABITS } from './providers.js';
import { isCompletion, sdkHandler } from './sdk-http.js';
import { encodeQuery, payloadHash, signedHeaders } from './sign-request.js';

/**
 * The two ways to an upstream: `send` for whatever carries an object's headers or bytes and for listings, at a fraction
 * of the SDK's CPU time; the SDK for the rare rest. Both use the same credentials, endpoint and timeouts.
 */
export interface Upstream {
  readonly sdk: S3Client;
  readonly body_timeout_ms: number;
  /** Nothing but checksums protects what goes to it and comes from it: an address of it is plain HTTP. */
  readonly is_plain: boolean;
  /** An answer of success. Its body must be read or discarded. Fails with a StoreError, or with what undici throws. */
  send(request: UpstreamRequest): Promise<UpstreamAnswer>;
  /** `send`, and the whole body as text. */
  sendForText(request: UpstreamRequest): Promise<TextAnswer>;
  /** Ends idle connections and waits a little for the others. */
  close(): Promise<void>;
}

export interface TextAnswer {
  readonly headers: AnswerHeaders;
  readonly text: string;
}

export interface UpstreamRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  readonly bucket: string;
  readonly key?: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  /** Lower-case names; values in the form in which they are sent, one character for each byte. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: Body | undefined;
  /** Instead of the digest of a body in memory. */
  readonly payload_hash?: string;
  readonly signal?: AbortSignal | undefined;
}

export function openUpstream(
  options: S3AdapterOptions,
  credentials: CredentialSource = credentialSource(options),
): Upstream {
  const endpoints = createEndpoints(
    new URL(options.endpoint ?? `https://s3.${options.region}.amazonaws.com`),
    (options.fallback_endpoints ?? []).map((endpoint) => new URL(endpoint)),
  );
  // No name stands before an address (RFC 3986, section 3.2.2).
  const path_style = options.path_style ?? (options.provider !== 'aws' || isAddress(endpoints.first));
  const agent = openAgent(options);
  const slow_headers_timeout_ms =
    options.slow_headers_timeout_ms ??
    Math.max(LIMITS.upstream_slow_headers_timeout_ms, options.headers_timeout_ms ?? 0);
  const requestHandler = sdkHandler(agent, slow_headers_timeout_ms);
  const sdk = openSdk(options, { endpoint: endpoints.first, path_style, requestHandler, credentials });
  if (options.fallback_endpoints !== undefined) spreadSdk(sdk, endpoints);
  const { literal_dot_segments } = PROVIDER_HABITS[options.provider];
  if (!literal_dot_segments) escapeDotsOfSdk(sdk);
  const { user_agent } = options;

  async function sendTo(
    endpoint: URL,
    request: UpstreamRequest,
    keys: UpstreamCredentials,
  ): Promise<UpstreamAnswer> {
    const { host, path: plain_path } = locate(endpoint, path_style, request);
    const path = literal_dot_segments ? plain_path : escapeDotSegments(plain_path);
    const query = encodeQuery(request.query);
    const headers = signedHeaders({
      method: request.method,
      host,
      path,
      query,
      headers: request.headers ?? {},
      payload_hash: request.payload_hash ?? payloadHash(request.body),
      region: options.region,
      credentials: keys,
      now: new Date(),
    });
    // Not signed: proxies change it.
    if (user_agent !== undefined) headers['user-agent'] = user_agent;
    const sent = {
      origin: `${endpoint.protocol}//${host}`,
      path: query === '' ? path : `${path}?${query}`,
      method: request.method,
      headers,
      // undici takes any iterable of bytes, though its types name Readable only.
      body: (request.body ?? null) as Uint8Array | null,
      headers_timeout_ms: isSlow(request) ? slow_headers_timeout_ms : undefined,
    };
    const answer = await exchange(agent, sent, request.signal);
    if (answer.statusCode >= 300) throw await errorOf(answer);
    return answer;
  }

  const send = async (request: UpstreamRequest): Promise<UpstreamAnswer> => {
    const found = credentials.get(request.signal);
    const keys = found instanceof Promise ? await found : found;
    try {
      return await endpoints.run((endpoint) => sendTo(endpoint, request, keys));
    } catch (error) {
      credentials.noteFailure(error);
      throw error;
    }
  };

  return {
    sdk,
    body_timeout_ms: options.body_timeout_ms ?? LIMITS.upstream_body_timeout_ms,
    is_plain: [options.endpoint, ...(options.fallback_endpoints ?? [])].some(
      (endpoint) => endpoint?.startsWith('http:') === true,
    ),
    send,
    async sendForText(request) {
      const answer = await send(request);
      const content = await readText(answer.body, LIMITS.upstream_xml_bytes_max);
      return { headers: answer.headers, text: content };
    },
    async close() {
      sdk.destroy();
      const timer = setTimeout(() => void agent.destroy(), LIMITS.upstream_close_ms);
      await agent.close().catch(() => undefined);
      clearTimeout(timer);
    },
  };
}

function isSlow(request: UpstreamRequest): boolean {
  return request.headers?.['x-amz-copy-source'] !== undefined || isCompletion(request);
}

function isAddress({ hostname }: URL): boolean {
  return isIP(hostname) !== 0 || hostname.startsWith('[');
}

function openAgent(options: S3AdapterOptions): Agent {
  return new Agent({
    connections: options.connections_max ?? LIMITS.upstream_connections_max,
    connect: {
      timeout: options.connect_timeout_ms ?? LIMITS.upstream_connect_timeout_ms,
      onread: growingReads(),
      ...(options.ca === undefined ? {} : { ca: options.ca }),
      ...(options.lookup === undefined ? {} : { lookup: options.lookup }),
    },
    headersTimeout: options.headers_timeout_ms ?? LIMITS.upstream_headers_timeout_ms,
    bodyTimeout: options.body_timeout_ms ?? LIMITS.upstream_body_timeout_ms,
    keepAliveTimeout: LIMITS.upstream_keep_alive_ms,
  });
}

interface SdkParts {
  readonly endpoint: URL;
  readonly path_style: boolean;
  readonly requestHandler: ReturnType<typeof sdkHandler>;
  readonly credentials: CredentialSource;
}

function openSdk(
  options: S3AdapterOptions,
  { endpoint, path_style, requestHandler, credentials }: SdkParts,
): S3Client {
  const sdk = new S3Client({
    endpoint: endpoint.href,
    region: options.region,
    forcePathStyle: path_style,
    // Retries are the retry decorator's, which knows what is safe to repeat.
    maxAttempts: 1,
    ...(options.user_agent === undefined ? {} : { customUserAgent: options.user_agent }),
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler,
    // The SDK keeps for ever what does not expire; what has expired it asks for again, and uses as it is.
    credentials: async () => ({ ...(await credentials.get()), expiration: new Date() }),
  });
  const send = sdk.send.bind(sdk) as (command: unknown, call?: SdkCall) => Promise<unknown>;
  const observed = (command: unknown, call?: SdkCall) => {
    const work = send(command, call);
    work.catch(credentials.noteFailure);
    // It does not look at the signal while it waits for credentials.
    return orAborted(work, call?.abortSignal);
  };
  sdk.send = observed as typeof sdk.send;
  return sdk;
}

interface SdkCall {
  readonly abortSignal?: AbortSignal;
}

/** Raw: URL parsing would resolve the dot segments of a key. */
function locate(endpoint: URL, path_style: boolean, { bucket, key }: UpstreamRequest) {
  const base = endpoint.pathname.replace(/\/$/, '');
  const key_path = key === undefined ? '/' : `/${encodeUriPath(key)}`;
  if (path_style)
    return { host: endpoint.host, path: `${base}/${bucket}${key === undefined ? '' : key_path}` };
  return { host: `${bucket}.${endpoint.host}`, path: `${base}${key_path}` };
}

async function readText(body: AnswerBody, bytes_max: number): Promise<string> {
  try {
    const bytes = await body.whole(bytes_max);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  } catch (error) {
    throw error instanceof RangeError ? answerError(200, '', error.message) : error;
  }
}

async function errorOf(answer: UpstreamAnswer): Promise<StoreError> {
  const { headers } = answer;
  const document = await readText(answer.body, LIMITS.upstream_error_bytes_max).catch(() => '');
  const { code, message, size } = readError(document);
  return answerError(answer.statusCode, code ?? text(headers, 'x-minio-error-code') ?? '', message ?? '', {
    ...(size === undefined ? {} : { size_bytes: Number(size) }),
    ...(text(headers, 'x-amz-delete-marker') === 'true' ? markerDetail(headers) : {}),
    ...(text(headers, 'retry-after') === undefined ? {} : { retry_after: text(headers, 'retry-after') }),
  });
}

function markerDetail(headers: AnswerHeaders) {
  const modified = Date.parse(text(headers, 'last-modified') ?? '');
  return {
    delete_marker: true,
    version_id: text(headers, 'x-amz-version-id'),
    modified_at_ms: Number.isNaN(modified) ? undefined : modified,
  };
}

/** An error document, also where it comes with status 200. */
export function readError(document: string): {
  code?: string | undefined;
  message?: string | undefined;
  size?: string | undefined;
} {
  if (!document.includes('<Error>') && !document.includes('<Error ')) return {};
  try {
    const error = parseXml(document.trimStart(), 'Error', LIMITS.upstream_error_bytes_max);
    return {
      code: childText(error, 'Code'),
      message: childText(error, 'Message'),
      size: childText(error, 'ActualObjectSize'),
    };
  } catch (error) {
    if (error instanceof XmlError) return {};
    throw error;
  }
}
