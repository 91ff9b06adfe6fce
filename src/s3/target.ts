import { LIMITS } from '../../config/limits.js';
import { decodeUri } from '../wire/uri.js';
import { S3Error } from './errors.js';

/** What the request line and Host name. */
export interface Target {
  /** As sent: signatures are computed over it. */
  readonly raw_path: string;
  readonly raw_query: string;
  /** Empty for the service. */
  readonly bucket: string;
  /** Empty for a bucket. */
  readonly key: string;
  readonly virtual_host: boolean;
}

/** Finds the bucket in a Host of `<bucket>.<domain>`; undefined for path style. */
export type BucketOfHost = (host: string) => string | undefined;

export function bucketOfHost(domains: readonly string[]): BucketOfHost {
  if (domains.length === 0) return () => undefined;
  const suffixes = domains.map((domain) => `.${domain.toLowerCase()}`);
  return (host) => {
    const name = host.replace(/:\d*$/, '').toLowerCase();
    const suffix = suffixes.find((candidate) => name.endsWith(candidate));
    return suffix === undefined || name.length === suffix.length ? undefined : name.slice(0, -suffix.length);
  };
}

/**
 * Reads a raw request target (origin form only). Proxies would resolve dot segments and so ask for something else
 * than was signed: they are refused when they stand there literally, and are data when escaped (`%2E%2E`).
 */
export function readTarget(url: string, host: string, bucketOf: BucketOfHost): Target {
  if (url.charCodeAt(0) !== SLASH) throw badRequest('The request target must be a path.');
  const question = url.indexOf('?');
  const raw_path = question === -1 ? url : url.slice(0, question);
  const raw_query = question === -1 ? '' : url.slice(question + 1);
  if (raw_path.includes('/.') && DOT_SEGMENT.test(raw_path)) {
    throw badRequest('The request path must not hold dot segments.');
  }
  const hosted = bucketOf(host);
  if (hosted !== undefined) return named(raw_path, raw_query, hosted, decode(raw_path.slice(1)), true);
  const slash = raw_path.indexOf('/', 1);
  if (slash === -1) return named(raw_path, raw_query, decode(raw_path.slice(1)), '', false);
  const bucket = decode(raw_path.slice(1, slash));
  if (bucket === '') throw new S3Error('InvalidURI');
  return named(raw_path, raw_query, bucket, decode(raw_path.slice(slash + 1)), false);
}

const SLASH = 0x2f;
const DOT_SEGMENT = /\/\.{1,2}(?:\/|$)/;

function named(
  raw_path: string,
  raw_query: string,
  bucket: string,
  key: string,
  virtual_host: boolean,
): Target {
  // Reserved for the node's own state. A slash can only come from an escape.
  if (bucket.startsWith('.') || bucket.includes('/')) throw new S3Error('InvalidBucketName');
  if (key.length * 3 > LIMITS.key_bytes_max) checkKeyLength(key);
  return { raw_path, raw_query, bucket, key, virtual_host };
}

function checkKeyLength(key: string): void {
  const size = Buffer.byteLength(key);
  if (size <= LIMITS.key_bytes_max) return;
  throw new S3Error('KeyTooLongError', { fields: { Size: size, MaxSizeAllowed: LIMITS.key_bytes_max } });
}

function decode(raw: string): string {
  const text = decodeUri(raw);
  if (text === undefined) throw new S3Error('InvalidURI');
  return text;
}

function badRequest(message: string): S3Error {
  return new S3Error('BadRequest', { message });
}
