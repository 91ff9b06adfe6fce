import type { HeadObjectResult, ObjectInfo } from '../../../adapters/contract/index.js';
import { formatHttpDate } from '../../wire/http-date.js';
import { readVersionHeader } from './address.js';
import { checksumHeaders } from './checksums.js';
import { quoteEtag } from './etag.js';
import { encodeHeader } from './header-text.js';
import { lockReplyHeaders } from './object-lock.js';

export type ReplyHeaders = Record<string, string | number | undefined>;

/** What S3 gives for an object that was written without a Content-Type (S3 API reference, "PutObject"). */
const CONTENT_TYPE_DEFAULT = 'binary/octet-stream';

/** The headers that GetObject and HeadObject have in common. */
export function objectHeaders(info: ObjectInfo): ReplyHeaders {
  const { headers: content, metadata } = info;
  const headers: ReplyHeaders = {
    'last-modified': formatHttpDate(info.modified_at_ms),
    etag: quoteEtag(info.etag),
    'accept-ranges': 'bytes',
    'content-type': encodeHeader(content.content_type ?? CONTENT_TYPE_DEFAULT),
  };
  Object.assign(headers, readVersionHeader(info));
  addContentHeaders(headers, content);
  for (const name in metadata)
    headers[`x-amz-meta-${encodeHeader(name)}`] = encodeHeader(metadata[name] ?? '');
  if (info.storage_class !== 'STANDARD' && info.storage_class !== '') {
    headers['x-amz-storage-class'] = info.storage_class;
  }
  if (info.tags_count > 0) headers['x-amz-tagging-count'] = info.tags_count;
  lockReplyHeaders(info, headers);
  return headers;
}

function addContentHeaders(headers: ReplyHeaders, content: ObjectInfo['headers']): void {
  if (content.cache_control !== undefined) headers['cache-control'] = encodeHeader(content.cache_control);
  if (content.content_disposition !== undefined) {
    headers['content-disposition'] = encodeHeader(content.content_disposition);
  }
  if (content.content_encoding !== undefined) {
    headers['content-encoding'] = encodeHeader(content.content_encoding);
  }
  if (content.content_language !== undefined) {
    headers['content-language'] = encodeHeader(content.content_language);
  }
  if (content.expires !== undefined) headers.expires = encodeHeader(content.expires);
  if (content.website_redirect_location !== undefined) {
    headers['x-amz-website-redirect-location'] = encodeHeader(content.website_redirect_location);
  }
}

/** Status, length and position of what is sent of the object; checksums when the client asked for them. */
export function addExtent(
  headers: ReplyHeaders,
  result: HeadObjectResult,
  wantsChecksum: boolean,
  isPart: boolean,
): { readonly status: 200 | 206; readonly size_bytes: number } {
  const { info, range } = result;
  if (isPart && info.parts_count !== null) headers['x-amz-mp-parts-count'] = info.parts_count;
  if (range === null) {
    if (wantsChecksum) Object.assign(headers, checksumHeaders(info.checksum));
    return { status: 200, size_bytes: info.size_bytes };
  }
  // The checksum of the whole object says nothing of a range; that of a part does.
  if (wantsChecksum && result.part_checksum !== undefined) {
    // Shown with the type of the object's checksum, as S3 does, although it covers the whole part.
    const type = info.checksum?.type ?? result.part_checksum.type;
    Object.assign(headers, checksumHeaders({ ...result.part_checksum, type }));
  }
  // No Content-Range can say that nothing was sent (RFC 9110, section 14.4: its last position is not before its first).
  if (range === 'empty') return { status: 206, size_bytes: 0 };
  headers['content-range'] = `bytes ${range.start}-${range.end}/${info.size_bytes}`;
  return { status: 206, size_bytes: range.end - range.start + 1 };
}
