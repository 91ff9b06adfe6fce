import type { IncomingHttpHeaders } from 'node:http';
import type { ContentHeaders, ObjectAttributes } from '../../../adapters/contract/index.js';
import { LIMITS } from '../../../config/limits.js';
import { STORAGE_CLASSES } from '../../wire/storage-classes.js';
import { invalidArgument, notImplemented, S3Error } from '../errors.js';
import { isEncryptionHeader, refuseEncryption } from './encryption.js';
import { decodeHeader, headerText } from './header-text.js';
import { LOCK_HEADERS, lockHeaders } from './object-lock.js';
import { parseTaggingHeader } from './tags.js';

const AMZ = 'x-amz-';
const META = 'x-amz-meta-';

const TAKEN_CLASSES: ReadonlySet<string> = new Set(STORAGE_CLASSES);

/** What the headers of PutObject, CopyObject and CreateMultipartUpload say of the object to be. */
export function objectAttributes(headers: IncomingHttpHeaders): ObjectAttributes {
  let metadata: Record<string, string> | undefined;
  let metadata_bytes = 0;
  let locks = false;
  for (const name in headers) {
    if (!name.startsWith(AMZ)) continue;
    if (name.startsWith(META)) {
      const key = decodeHeader(name.slice(META.length));
      const value = headerText(headers, name) ?? '';
      metadata_bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
      // Without a prototype, so that any name is only a name.
      metadata ??= Object.create(null) as Record<string, string>;
      metadata[key] = value;
    } else if (LOCK_HEADERS.has(name)) locks = true;
    else refuseUnsupported(name, headers);
  }
  if (metadata_bytes > LIMITS.metadata_bytes_max) {
    throw new S3Error('MetadataTooLarge', {
      fields: { Size: metadata_bytes, MaxSizeAllowed: LIMITS.metadata_bytes_max },
    });
  }
  const tagging = headerText(headers, 'x-amz-tagging');
  const storage_class = storageClass(headers);
  return {
    headers: contentHeaders(headers),
    ...(metadata === undefined ? {} : { metadata }),
    ...(storage_class === undefined ? {} : { storage_class }),
    ...(tagging === undefined ? {} : { tags: parseTaggingHeader(tagging, LIMITS.tags_per_object_max) }),
    ...(locks ? lockHeaders(headers, Date.now()) : {}),
  };
}

const PUBLIC_ACLS: ReadonlySet<string> = new Set([
  'public-read',
  'public-read-write',
  'authenticated-read',
  'aws-exec-read',
  'bucket-owner-read',
  'log-delivery-write',
]);

/** Headers of the API model that stand for features of which nothing is there. */
const BEYOND: ReadonlyMap<string, string> = new Map([
  ['x-amz-write-offset-bytes', 'Appending to an object'],
  ['x-amz-bucket-namespace', 'A bucket namespace of an account'],
  ['x-amz-if-match-initiated-time', 'A condition on the time of an upload'],
  ['x-amz-object-lock-event-hold', 'An event hold'],
  ['x-amz-object-lock-event-hold-duration-days', 'An event hold'],
  ['x-amz-object-lock-event-hold-duration-years', 'An event hold'],
]);

/** Throws for a header that asks for what is not there: what a client relies on is never dropped silently. */
export function refuseUnsupported(name: string, headers: IncomingHttpHeaders): void {
  if (isEncryptionHeader(name)) refuseEncryption(headers);
  if (name.startsWith('x-amz-grant-')) throw notImplemented(`The header ${name}`);
  if (name === 'x-amz-acl') checkAcl(headerText(headers, name) ?? '');
  const feature = BEYOND.get(name);
  if (feature !== undefined) throw notImplemented(feature);
}

/** `private` and `bucket-owner-full-control` are what every object has. */
function checkAcl(acl: string): void {
  if (acl === '' || acl === 'private' || acl === 'bucket-owner-full-control') return;
  if (PUBLIC_ACLS.has(acl)) throw notImplemented(`The canned ACL ${acl}`);
  throw invalidArgument('x-amz-acl', acl);
}

function storageClass(headers: IncomingHttpHeaders): string | undefined {
  const value = headerText(headers, 'x-amz-storage-class');
  if (value === undefined || TAKEN_CLASSES.has(value)) return value;
  throw new S3Error('InvalidStorageClass', { fields: { StorageClassRequested: value } });
}

const CONTENT_HEADERS = [
  ['content-type', 'content_type'],
  ['cache-control', 'cache_control'],
  ['content-disposition', 'content_disposition'],
  ['content-language', 'content_language'],
  ['expires', 'expires'],
  ['x-amz-website-redirect-location', 'website_redirect_location'],
] as const satisfies readonly (readonly [string, keyof ContentHeaders])[];

/** The headers that are stored with an object and given back as they came. */
export function contentHeaders(headers: IncomingHttpHeaders): ContentHeaders {
  const found: { -readonly [Name in keyof ContentHeaders]: string } = {};
  for (const [header, name] of CONTENT_HEADERS) {
    const value = headerText(headers, header);
    if (value !== undefined && value !== '') found[name] = value;
  }
  const encoding = contentEncoding(headers);
  if (encoding !== undefined) found.content_encoding = encoding;
  return found;
}

/** `aws-chunked` is the framing of the request, not of the object (S3 API reference, "SigV4 streaming"). */
function contentEncoding(headers: IncomingHttpHeaders): string | undefined {
  const value = headerText(headers, 'content-encoding');
  if (value === undefined || !value.includes('aws-chunked')) return value || undefined;
  const rest = value
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '' && coding !== 'aws-chunked');
  return rest.length === 0 ? undefined : rest.join(',');
}
