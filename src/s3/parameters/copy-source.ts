import type { IncomingHttpHeaders } from 'node:http';
import { invalidArgument, notImplemented, type S3Error } from '../errors.js';
import { headerText } from './header-text.js';

export interface CopySource {
  readonly bucket: string;
  readonly key: string;
  readonly version_id?: string;
}

const VERSION = '?versionId=';

/**
 * x-amz-copy-source: `bucket/key`, with or without a leading slash, URL-encoded, and `?versionId=` behind it
 * (S3 API reference, "CopyObject"). The query is cut off before decoding: an encoded `?` belongs to the key.
 */
export function parseCopySource(headers: IncomingHttpHeaders): CopySource {
  const header = headerText(headers, 'x-amz-copy-source') ?? '';
  const queryAt = header.lastIndexOf(VERSION);
  const path = queryAt === -1 ? header : header.slice(0, queryAt);
  const decoded = decode(path.startsWith('/') ? path.slice(1) : path, header);
  const slash = decoded.indexOf('/');
  if (slash <= 0 || slash === decoded.length - 1) {
    throw invalidSource('Copy Source must mention the source bucket and key: sourcebucket/sourcekey', header);
  }
  const bucket = decoded.slice(0, slash);
  if (bucket.startsWith('arn:')) {
    throw notImplemented('An access point as the source of a copy');
  }
  const source = { bucket, key: decoded.slice(slash + 1) };
  if (queryAt === -1) return source;
  const version_id = decode(header.slice(queryAt + VERSION.length), header);
  if (version_id === '') throw invalidSource('Version id cannot be the empty string', header);
  return { ...source, version_id };
}

function decode(text: string, header: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalidSource('Copy Source must be URL-encoded UTF-8', header);
  }
}

function invalidSource(message: string, header: string): S3Error {
  return invalidArgument('x-amz-copy-source', header, message);
}
