import { Readable } from 'node:stream';
import type { S3ClientConfig } from '@aws-sdk/client-s3';
import type { Dispatcher } from 'undici';
import { LIMITS } from '../../config/limits.js';
import { encodeUriComponent } from '../../src/wire/uri.js';
import { StoreError } from '../contract/index.js';
import { text } from './attributes.js';
import { exchange } from './exchange.js';

/** What the SDK has built and signed. */
interface SdkRequest {
  readonly method: Dispatcher.HttpMethod;
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | readonly string[] | null>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

interface SdkCall {
  readonly abortSignal?: AbortSignal;
}

/**
 * Sends the SDK's requests over the connections of all others, with their timeouts. The SDK's own way has no end for a
 * body that stops, and none for one that never does.
 */
export function sdkHandler(
  dispatcher: Dispatcher,
  slow_headers_timeout_ms: number,
): NonNullable<S3ClientConfig['requestHandler']> {
  return {
    metadata: { handlerProtocol: 'http/1.1' },
    async handle(request: SdkRequest, { abortSignal }: SdkCall = {}) {
      const sent = {
        origin: originOf(request),
        path: `${request.path}${queryOf(request)}`,
        method: request.method,
        headers: withoutExpect(request.headers),
        body: request.body ?? null,
        headers_timeout_ms: isCompletion(request) ? slow_headers_timeout_ms : undefined,
      };
      const answer = await exchange(dispatcher, sent, abortSignal);
      const body = await answer.body.whole(LIMITS.upstream_xml_bytes_max).catch(asStoreError);
      const names = Object.keys(answer.headers);
      const headers = Object.fromEntries(names.map((name) => [name, text(answer.headers, name) ?? '']));
      // A stream, or the SDK does not look for an error in an answer of status 200.
      return { response: { statusCode: answer.statusCode, headers, body: Readable.from([body]) } };
    },
    destroy: () => undefined,
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
  };
}

function asStoreError(error: unknown): never {
  if (error instanceof RangeError) throw new StoreError('unexpected', error.message, { subject: 'adapter' });
  throw error;
}

function originOf({ protocol, hostname, port }: SdkRequest): string {
  return `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`;
}

function queryOf({ query = {} }: SdkRequest): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    (value === null ? [''] : [value].flat()).map(
      (one) => `${encodeUriComponent(name)}=${encodeUriComponent(one)}`,
    ),
  );
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

/** undici sends no Expect; nor is it signed. */
function withoutExpect(headers: SdkRequest['headers']): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'expect'));
}

/** Of an upload: the upstream answers when it has done its work. */
export function isCompletion({
  method,
  query,
}: {
  readonly method: string;
  readonly query?: Readonly<Record<string, unknown>>;
}): boolean {
  return method === 'POST' && query?.uploadId !== undefined;
}
