import { CHECKSUM_ALGORITHMS } from '../../src/wire/checksums.js';
import type {
  Capabilities,
  ContentHeaders,
  ObjectAttributes,
  ObjectChecksum,
  ObjectInfo,
  Retention,
} from '../contract/index.js';
import { decodeWords } from './encoded-words.js';
import { keptChecksum } from './kept-checksum.js';
import type { Habits } from './providers.js';

/** Object attributes as S3 headers and back. What the upstream has no header for lies in user metadata under this prefix. */
const OURS = 'backup-node-';
const SYSTEM = `${OURS}system-`;
const OWNER = `${OURS}owner`;
const STORAGE_CLASS = `${OURS}storage-class`;
const REDIRECT = `${OURS}website-redirect-location`;
/** The user's metadata whose names begin like ours: nobody writes system attributes by such names. */
const THEIRS = `${OURS}metadata-`;
const META = 'x-amz-meta-';

export type Headers = Record<string, string | undefined>;
export type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>;

const CONTENT_HEADERS: readonly (readonly [keyof ContentHeaders, string])[] = [
  ['content_type', 'content-type'],
  ['cache_control', 'cache-control'],
  ['content_disposition', 'content-disposition'],
  ['content_encoding', 'content-encoding'],
  ['content_language', 'content-language'],
  ['expires', 'expires'],
  ['website_redirect_location', 'x-amz-website-redirect-location'],
];

/** What S3 answers where no type was given; sent by us, so that no server chooses another. */
const NO_TYPE = 'binary/octet-stream';

export function toHeaders(attributes: ObjectAttributes, habits: Habits): Headers {
  const headers: Headers = { 'content-type': NO_TYPE };
  for (const [name, header] of CONTENT_HEADERS) {
    const value = attributes.headers?.[name];
    if (value !== undefined) headers[header] = toLatin1(value);
  }
  if (!habits.website_redirect) delete headers['x-amz-website-redirect-location'];
  addMetadata(headers, attributes, habits);
  if (attributes.storage_class !== undefined && keepsClass(attributes.storage_class, habits)) {
    headers['x-amz-storage-class'] = attributes.storage_class;
  }
  if (attributes.tags !== undefined && Object.keys(attributes.tags).length > 0) {
    headers['x-amz-tagging'] = new URLSearchParams(attributes.tags).toString();
  }
  addLocks(headers, attributes);
  return headers;
}

function addLocks(headers: Headers, { retention, legal_hold }: ObjectAttributes): void {
  if (retention !== undefined) {
    headers['x-amz-object-lock-mode'] = retention.mode;
    headers['x-amz-object-lock-retain-until-date'] = new Date(retention.until_ms).toISOString();
  }
  if (legal_hold !== undefined) headers['x-amz-object-lock-legal-hold'] = legal_hold ? 'ON' : 'OFF';
}

function addMetadata(headers: Headers, attributes: ObjectAttributes, habits: Habits): void {
  const add = (name: string, value: string) => {
    headers[`${META}${name}`] = value;
  };
  for (const [name, value] of Object.entries(attributes.metadata ?? {})) {
    // The names of headers have no case: what is stored comes back in lower case.
    const kept = name.toLowerCase().startsWith(OURS) ? `${THEIRS}${name}` : name;
    add(toLatin1(kept), toLatin1(value));
  }
  for (const [name, value] of Object.entries(attributes.system ?? {})) {
    add(`${SYSTEM}${name}`, encodeURIComponent(value));
  }
  const { owner, storage_class } = attributes;
  if (owner !== undefined && owner !== '') add(OWNER, encodeURIComponent(owner));
  if (storage_class !== undefined && !keepsClass(storage_class, habits)) {
    add(STORAGE_CLASS, encodeURIComponent(storage_class));
  }
  const redirect = attributes.headers?.website_redirect_location;
  if (redirect !== undefined && !habits.website_redirect) add(REDIRECT, encodeURIComponent(redirect));
}

function keepsClass(storage_class: string, habits: Habits): boolean {
  return habits.storage_classes?.includes(storage_class) ?? true;
}

/** The object that the headers of a GET or HEAD describe. */
export function toInfo(key: string, headers: AnswerHeaders, capabilities: Capabilities): ObjectInfo {
  const kept = readMetadata(headers);
  const etag = bareEtag(text(headers, 'etag') ?? '');
  const version_id = versionOf(headers, capabilities);
  const size_bytes = totalSize(headers);
  const info: ObjectInfo = {
    key,
    version_id,
    is_latest: true,
    etag,
    size_bytes,
    modified_at_ms: Date.parse(text(headers, 'last-modified') ?? '') || 0,
    headers: readContentHeaders(headers, kept.redirect),
    metadata: kept.metadata,
    system: kept.system,
    storage_class: kept.storage_class ?? text(headers, 'x-amz-storage-class') ?? 'STANDARD',
    checksum: keptChecksum(headers, size_bytes) ?? toChecksum(headers),
    sha256: null,
    parts_count: partsCount(etag),
    tags_count: Number(text(headers, 'x-amz-tagging-count') ?? 0),
    retention: readRetention(headers),
    legal_hold: text(headers, 'x-amz-object-lock-legal-hold') === 'ON',
    owner: kept.owner,
  };
  // In an unversioned bucket no answer has this header; in others that of the null version has it too.
  const is_null = version_id === 'null' && text(headers, 'x-amz-version-id') === 'null';
  return is_null ? { ...info, null_version: true } : info;
}

/** The object that a successful put has made, without asking for it. */
export function putInfo(
  key: string,
  size_bytes: number,
  attributes: ObjectAttributes,
  answer: { readonly headers: AnswerHeaders; readonly checksum: ObjectChecksum | null },
  capabilities: Capabilities,
): ObjectInfo {
  const { headers } = answer;
  return {
    key,
    version_id: versionOf(headers, capabilities),
    is_latest: true,
    etag: bareEtag(text(headers, 'etag') ?? ''),
    size_bytes,
    // No server tells it in this answer: its date is that of the write, or the second after.
    modified_at_ms: Date.parse(text(headers, 'date') ?? '') || Math.floor(Date.now() / 1000) * 1000,
    headers: definedOnly(attributes.headers ?? {}),
    metadata: attributes.metadata ?? {},
    system: attributes.system ?? {},
    storage_class: attributes.storage_class ?? 'STANDARD',
    checksum: answer.checksum,
    sha256: null,
    parts_count: null,
    tags_count: Object.keys(attributes.tags ?? {}).length,
    retention: attributes.retention ?? null,
    legal_hold: attributes.legal_hold ?? false,
    owner: attributes.owner ?? '',
  };
}

/** Garage names versions that nobody can ask for. */
export function versionOf(headers: AnswerHeaders, { versioning }: Capabilities): string {
  return (versioning ? text(headers, 'x-amz-version-id') : undefined) ?? 'null';
}

function definedOnly(headers: ContentHeaders): ContentHeaders {
  return Object.fromEntries(
    Object.entries(headers).filter(([name, value]) => value !== undefined && !isNoType(name, value)),
  );
}

function isNoType(name: string, value: string): boolean {
  return name === 'content_type' && value === NO_TYPE;
}

interface KeptMetadata {
  readonly metadata: Readonly<Record<string, string>>;
  readonly system: Readonly<Record<string, string>>;
  readonly owner: string;
  readonly storage_class: string | undefined;
  readonly redirect: string | undefined;
}

/** Sorts the user's metadata from ours. Names are data, so they never become properties by assignment. */
function readMetadata(headers: AnswerHeaders): KeptMetadata {
  const metadata: [string, string][] = [];
  const system: [string, string][] = [];
  const ours = new Map<string, string>();
  for (const header in headers) {
    if (!header.startsWith(META)) continue;
    const name = header.slice(META.length);
    const value = text(headers, header) ?? '';
    if (name.startsWith(SYSTEM)) system.push([name.slice(SYSTEM.length), decoded(value)]);
    else if (name.startsWith(OURS) && !name.startsWith(THEIRS)) ours.set(name, decoded(value));
    else {
      const given = name.startsWith(THEIRS) ? name.slice(THEIRS.length) : name;
      metadata.push([fromLatin1(given), decodeWords(fromLatin1(value))]);
    }
  }
  return {
    metadata: Object.fromEntries(metadata),
    system: Object.fromEntries(system),
    owner: ours.get(OWNER) ?? '',
    storage_class: ours.get(STORAGE_CLASS),
    redirect: ours.get(REDIRECT),
  };
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

function readContentHeaders(headers: AnswerHeaders, redirect: string | undefined): ContentHeaders {
  const content: [string, string][] = [];
  for (const [name, header] of CONTENT_HEADERS) {
    const value = text(headers, header);
    if (value === undefined || isNoType(name, value)) continue;
    const shown = name === 'content_encoding' ? withoutChunking(value) : fromLatin1(value);
    if (shown !== '') content.push([name, shown]);
  }
  if (redirect !== undefined) content.push(['website_redirect_location', redirect]);
  return Object.fromEntries(content);
}

/** `aws-chunked` is how the bytes came, not how they are; some servers store it. */
function withoutChunking(encoding: string): string {
  if (!encoding.includes('aws-chunked')) return encoding;
  return encoding
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== 'aws-chunked')
    .join(',');
}

export function bareEtag(etag: string): string {
  return etag.replace(/^W\//, '').replaceAll('"', '');
}

export function text(headers: AnswerHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(',') : value;
}

/** Of the whole object, also when the answer is a range of it. */
function totalSize(headers: AnswerHeaders): number {
  const total = /\/(\d+)$/.exec(text(headers, 'content-range') ?? '')?.[1];
  return Number(total ?? text(headers, 'content-length') ?? 0);
}

export function toChecksum(headers: AnswerHeaders): ObjectChecksum | null {
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    const value = text(headers, `x-amz-checksum-${algorithm.toLowerCase()}`);
    if (value === undefined) continue;
    const composite = text(headers, 'x-amz-checksum-type') === 'COMPOSITE' || /-\d+$/.test(value);
    return { algorithm, value, type: composite ? 'COMPOSITE' : 'FULL_OBJECT' };
  }
  return null;
}

/** `md5-N` is the ETag of an object of N parts. */
export function partsCount(etag: string): number | null {
  const count = /-(\d+)$/.exec(etag)?.[1];
  return count === undefined ? null : Number(count);
}

function readRetention(headers: AnswerHeaders): Retention | null {
  const mode = text(headers, 'x-amz-object-lock-mode');
  const until = text(headers, 'x-amz-object-lock-retain-until-date');
  if (until === undefined || (mode !== 'GOVERNANCE' && mode !== 'COMPLIANCE')) return null;
  return { mode, until_ms: Date.parse(until) };
}

const BEYOND_ASCII = /[\u0080-\uffff]/;

/** Header values travel as bytes: one character for each byte of the UTF-8 form. */
function toLatin1(value: string): string {
  return BEYOND_ASCII.test(value) ? Buffer.from(value, 'utf8').toString('latin1') : value;
}

export function fromLatin1(value: string): string {
  return BEYOND_ASCII.test(value) ? Buffer.from(value, 'latin1').toString('utf8') : value;
}
