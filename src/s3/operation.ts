import type { IncomingHttpHeaders } from 'node:http';
import type { Adapter, Body } from '../../adapters/contract/index.js';
import type { CredentialSource, Identity } from '../access/identity.js';

/** One S3 operation: one file under operations/, one row in operations/index.ts. */
export interface Operation {
  /** The name in the S3 API reference, e.g. `PutObject`. */
  readonly name: string;
  /** The IAM action that a policy must allow (Service Authorization Reference, "Actions defined by Amazon S3"). */
  readonly action: `s3:${string}`;
  /** Whether the request may carry a payload of object size; others are read into memory up to a limit. */
  readonly body: 'none' | 'xml' | 'stream';
  /** PostObject: its request is anonymous to all before it, and it authenticates and authorises by itself. */
  readonly credentials_in_body?: true;
  run(context: OperationContext): Promise<Reply>;
}

/** All that an operation may know of its request. Everything here is authenticated and within limits. */
export interface OperationContext {
  readonly request_id: string;
  readonly store: Adapter;
  readonly credentials: CredentialSource;
  readonly identity: Identity;
  readonly region: string;
  /** Empty for the service (ListBuckets). */
  readonly bucket: string;
  /** Decoded once from the raw path; empty for bucket operations. */
  readonly key: string;
  readonly query: Query;
  readonly headers: IncomingHttpHeaders;
  /** The stored form of the request URL, for CompleteMultipartUpload's Location. */
  readonly base_url: string;
  /** Aborted when the client goes away or the node stops. */
  readonly signal: AbortSignal;
  /** The payload with chunk framing removed and signatures checked as it flows. */
  readonly payload: Payload;
}

/** Query parameters, decoded; a name without `=` has the value ''. The first of a repeated name wins. */
export interface Query {
  has(name: string): boolean;
  get(name: string): string | undefined;
}

export interface Payload {
  /** The decoded length: Content-Length, or x-amz-decoded-content-length for aws-chunked. 0 without a body. */
  readonly size_bytes: number;
  /** Hex, when the client signed the digest of the whole body (x-amz-content-sha256). */
  readonly sha256: string | undefined;
  /**
   * The payload for an adapter: in one piece when it is small (LIMITS.whole_payload_bytes_max), which saves a stream
   * on the hot path, else `stream()`. Read once. Fails with S3Error for a bad framing, a bad chunk signature or a lost
   * client.
   */
  body(): Promise<Body>;
  /** The same as a stream, whatever the size. */
  stream(): Body;
  /** The whole payload, at most `limit_bytes`, else EntityTooLarge / MalformedXML as S3 does. Digests checked. */
  text(limit_bytes: number): Promise<string>;
  /** A trailing header (x-amz-trailer) by lower-case name; known after the stream has ended. */
  trailer(name: string): string | undefined;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | number | undefined>>;
  /** An XML document (string), object bytes, or nothing. */
  readonly body?: string | Body;
  /** With a stream: its length for Content-Length. */
  readonly size_bytes?: number;
  /**
   * A body that takes long to make (CompleteMultipartUpload, CopyObject): after a while the door sends 200 and white
   * space until it resolves; an error after that goes into the body.
   */
  readonly slow_body?: Promise<string>;
}
