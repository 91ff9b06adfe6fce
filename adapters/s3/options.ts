import type { LookupFunction } from 'node:net';
import type { Pace } from '../decorators/bandwidth.js';
import type { CapabilityOverrides, Provider } from './providers.js';

/** What the s3 adapter needs to know of its upstream. Times in milliseconds; defaults in config/limits.ts. */
export interface S3AdapterOptions {
  readonly name: string;
  /** `https://host[:port]`; without it AWS's endpoint for the region. */
  readonly endpoint?: string;
  /** Further addresses of the same store, in the order in which they are tried when the one before is down. */
  readonly fallback_endpoints?: readonly string[];
  readonly region: string;
  readonly provider: Provider;
  /** Where this server differs from others of its provider. */
  readonly capabilities?: CapabilityOverrides;
  /** `https://host/bucket/key` instead of `https://bucket.host/key`. Default: true but for aws. */
  readonly path_style?: boolean;
  /** Without it the AWS SDK's default chain. */
  readonly credentials?: CredentialProvider;
  /** PEM of a private certificate authority. */
  readonly ca?: string;
  /** Instead of the system's resolver of names. */
  readonly lookup?: LookupFunction;
  /**
   * The upstream bucket for what S3 has no place for: bucket documents, owners of buckets, who began an upload. It is
   * created when it is first needed, and hidden from every call.
   */
  readonly documents_bucket?: string;
  /** Further upstream buckets that only this software uses, by the keys of the configuration that name them. */
  readonly reserved_buckets?: Readonly<Record<string, string>>;
  /** Sent as User-Agent, so that the upstream's own records tell these requests from all others: `name/version`. */
  readonly user_agent?: string;
  /** Larger objects are copied in parts of copy_part_bytes. Default: put_bytes_max of the provider. */
  readonly copy_once_bytes_max?: number;
  readonly copy_part_bytes?: number;
  readonly connections_max?: number;
  readonly connect_timeout_ms?: number;
  /** From the end of the request until the headers of the answer are there. */
  readonly headers_timeout_ms?: number;
  /** The same for copies and completions. */
  readonly slow_headers_timeout_ms?: number;
  /** Between two pieces of a body, in either direction. */
  readonly body_timeout_ms?: number;
  /** Around each body that goes to the upstream or comes from it, on whose behalf ever. */
  readonly pace?: Pace | undefined;
}

/**
 * Asked again for each signature, so keys can be rotated. `anew`: the upstream refused what it gave, or it did not answer;
 * what it remembers is to be forgotten.
 */
export type CredentialProvider = (ask?: { readonly anew?: boolean }) => MaybeLater<UpstreamCredentials>;

/** What is there at once need not be waited for, which on the way of each request costs more than a signature. */
export type MaybeLater<Value> = Value | Promise<Value>;

export interface UpstreamCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}
