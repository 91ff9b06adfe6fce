import type { S3Client } from '@aws-sdk/client-s3';
import { LIMITS } from '../../config/limits.js';
import { StoreError } from '../contract/index.js';
import { repeatableTimeout } from './errors.js';

/**
 * The addresses of one store, in the order of preference: every node of a cluster serves everything. One that is found
 * down is asked last for a while; then a single request tries it again.
 */
export interface Endpoints {
  readonly first: URL;
  /**
   * Runs a request at the best address, and at the next ones as long as it could not be delivered at all. What may have
   * arrived is not repeated here: that is for the retry decorator, which knows what is safe to repeat, and whose repeat
   * goes to another address.
   */
  run<R>(request: (endpoint: URL) => Promise<R>): Promise<R>;
}

interface Address {
  readonly url: URL;
  /** Null while it is believed to be up. */
  retry_at_ms: number | null;
}

export function createEndpoints(
  first: URL,
  fallbacks: readonly URL[] = [],
  now: () => number = Date.now,
): Endpoints {
  if (fallbacks.length === 0) return { first, run: (request) => request(first) };
  const addresses: readonly Address[] = [first, ...fallbacks].map((url) => ({ url, retry_at_ms: null }));
  return {
    first,
    async run(request) {
      let failure: unknown;
      for (const address of inOrder(addresses, now())) {
        // Others do not wait for this one's attempt: they go on to the next address.
        if (address.retry_at_ms !== null) setAside(address, now());
        try {
          const answer = await request(address.url);
          address.retry_at_ms = null;
          return answer;
        } catch (error) {
          if (!isDown(error)) {
            // An error, but an answer.
            if (statusOf(error) !== undefined) address.retry_at_ms = null;
            throw error;
          }
          setAside(address, now());
          if (!isUndelivered(error)) {
            const elsewhere = statusOf(error) === undefined && isOneUp(addresses, now());
            throw elsewhere ? repeatableTimeout(error) : error;
          }
          failure = error;
        }
      }
      throw failure;
    },
  };
}

function isOneUp(addresses: readonly Address[], now_ms: number): boolean {
  return addresses.some(({ retry_at_ms }) => retry_at_ms === null || retry_at_ms <= now_ms);
}

function setAside(address: Address, now_ms: number): void {
  address.retry_at_ms = now_ms + LIMITS.upstream_endpoint_rest_ms;
}

/** Those that are up or due for a new try as they were given, then the others, the one that rests longest first. */
function inOrder(addresses: readonly Address[], now_ms: number): readonly Address[] {
  const rank = ({ retry_at_ms }: Address) =>
    retry_at_ms === null || retry_at_ms <= now_ms ? 0 : retry_at_ms;
  return addresses.toSorted((a, b) => rank(a) - rank(b));
}

/** No way to the address: of a connection that was not made, or that the network took away. */
const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Of a proxy or a node that has lost the rest of its cluster. */
const UNWELL_STATUS = new Set([502, 503, 504]);

interface Failure {
  readonly code?: unknown;
  readonly syscall?: unknown;
  readonly name?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: unknown };
}

function isUnreachable({ code }: Failure): boolean {
  return typeof code === 'string' && UNREACHABLE.has(code);
}

/** A connection was not made, so nothing of the request has left. */
function isUndelivered(error: unknown): boolean {
  const { syscall } = error as Failure;
  return isUnreachable(error as Failure) && syscall !== 'read' && syscall !== 'write';
}

/**
 * A reset is not among them: it may come from the caller's own body, and if the server is gone, the next connection
 * shows it.
 */
function isDown(error: unknown): boolean {
  if (isUnreachable(error as Failure)) return true;
  // A server that asks to be spared is well.
  if (error instanceof StoreError && error.kind !== 'unavailable') return false;
  const { code, name } = error as Failure;
  return (
    code === 'UND_ERR_HEADERS_TIMEOUT' || name === 'TimeoutError' || UNWELL_STATUS.has(statusOf(error) ?? 0)
  );
}

/** Undefined where there was no answer. */
function statusOf(error: unknown): number | undefined {
  const status =
    error instanceof StoreError ? error.detail.status : (error as Failure).$metadata?.httpStatusCode;
  return typeof status === 'number' ? status : undefined;
}

/** What the SDK has built and not signed yet. */
interface BuiltRequest {
  protocol: string;
  hostname: string;
  port?: number;
  clone(): BuiltRequest;
}

/** Sends what the SDK sends to the endpoints too; it knows the first one only. */
export function spreadSdk(sdk: S3Client, endpoints: Endpoints): void {
  sdk.middlewareStack.add(
    (next) => (args) =>
      endpoints.run((endpoint) => {
        const request = (args as unknown as { readonly request: BuiltRequest }).request.clone();
        // In front of it may stand the bucket.
        const bucket = request.hostname.slice(0, -endpoints.first.hostname.length);
        request.protocol = endpoint.protocol;
        request.hostname = `${bucket}${endpoint.hostname}`;
        if (endpoint.port === '') delete request.port;
        else request.port = Number(endpoint.port);
        return next({ ...args, request });
      }),
    // Before the Host header is written and signed.
    { step: 'build', priority: 'high', name: 'endpoints' },
  );
}
