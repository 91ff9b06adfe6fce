import type { ChecksumAlgorithm, ChecksumType, ContentHeaders, Retention } from '../../contract/index.js';
import type { BlobCodec } from '../blobs/blob-store.js';
import * as bytes from './bytes.js';

/** Where the content of an object or part lies. */
export type ContentKind = 'empty' | 'small' | 'blob' | 'manifest';

/** One version of an object, or a delete marker, as the index keeps it. */
export interface ObjectRecord {
  readonly delete_marker: boolean;
  /** Written while versioning was not enabled: its version id is `null`. */
  readonly null_version: boolean;
  /** Orders versions; also the key of the content when it is `small`. */
  readonly sequence: number;
  /** 16 hex digits that make the version id unguessable. */
  readonly tag: string;
  readonly modified_at_ms: number;
  readonly size_bytes: number;
  /** Hex. */
  readonly md5: string;
  /** Null for objects written in one piece. */
  readonly parts_count: number | null;
  readonly content: ContentKind;
  /** Of `small` and `blob`; all else is `plain`. */
  readonly codec: BlobCodec;
  /** Hex; null for multipart objects. */
  readonly sha256: string | null;
  /** Hex. Names the blob where its codec is not `plain`; a plain blob is named by its SHA-256. */
  readonly blob_id: string | null;
  /** When content is `manifest`, else 0. */
  readonly manifest_id: number;
  readonly checksum: StoredChecksum | null;
  readonly retention: Retention | null;
  readonly legal_hold: boolean;
  readonly owner: string;
  readonly storage_class: string;
  readonly headers: ContentHeaders;
  readonly metadata: Readonly<Record<string, string>>;
  readonly system: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
}

/** Base64, without the `-N` of a composite value. */
export interface StoredChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
  readonly value: string;
}

/** Records hold the place of each in its list. */
export const STORED_CHECKSUMS: readonly ChecksumAlgorithm[] = [
  'CRC32',
  'CRC32C',
  'CRC64NVME',
  'SHA1',
  'SHA256',
];
const ALGORITHM_BYTES = [4, 4, 8, 20, 32];
const CONTENTS: readonly ContentKind[] = ['empty', 'small', 'blob', 'manifest'];
const CODECS: readonly BlobCodec[] = ['plain', 'packed', 'sealed'];
const HEADER_NAMES = [
  'content_type',
  'cache_control',
  'content_disposition',
  'content_encoding',
  'content_language',
  'expires',
  'website_redirect_location',
] as const satisfies readonly (keyof ContentHeaders)[];

const FLAG = {
  delete_marker: 1,
  null_version: 2,
  legal_hold: 4,
  retention: 8,
  sha256: 16,
  checksum: 32,
  parts: 64,
  texts: 128,
} as const;

/** Of null versions, whose id is no secret. */
export const NO_TAG = '0'.repeat(16);
const NO_MD5 = '0'.repeat(32);
const NO_HEADERS: ContentHeaders = Object.freeze({});
const NO_STRINGS: Readonly<Record<string, string>> = Object.freeze({});

const isEmpty = (map: object): boolean => {
  for (const _name in map) return false;
  return true;
};

export function encodeObject(record: ObjectRecord): Buffer {
  const texts = !(
    isEmpty(record.headers) &&
    isEmpty(record.metadata) &&
    isEmpty(record.system) &&
    isEmpty(record.tags)
  );
  bytes.begin();
  bytes.putUint8(
    (record.delete_marker ? FLAG.delete_marker : 0) |
      (record.null_version ? FLAG.null_version : 0) |
      (record.legal_hold ? FLAG.legal_hold : 0) |
      (record.retention === null ? 0 : FLAG.retention) |
      (record.sha256 === null ? 0 : FLAG.sha256) |
      (record.checksum === null ? 0 : FLAG.checksum) |
      (record.parts_count === null ? 0 : FLAG.parts) |
      (texts ? FLAG.texts : 0),
  );
  putContent(record);
  bytes.putUint48(record.sequence);
  if (!record.null_version) bytes.putHex(record.tag);
  bytes.putUint48(record.modified_at_ms);
  bytes.putString(record.owner);
  if (record.delete_marker) return bytes.finish();
  bytes.putUint48(record.size_bytes);
  bytes.putHex(record.md5);
  bytes.putString(record.storage_class);
  if (record.sha256 !== null) bytes.putHex(record.sha256);
  if (record.blob_id !== null) bytes.putHex(record.blob_id);
  if (record.parts_count !== null) bytes.putUint16(record.parts_count);
  if (record.content === 'manifest') bytes.putUint48(record.manifest_id);
  if (record.checksum !== null) putChecksum(record.checksum);
  if (record.retention !== null) {
    bytes.putUint8(record.retention.mode === 'COMPLIANCE' ? 1 : 0);
    bytes.putUint48(record.retention.until_ms);
  }
  if (texts) putTexts(record);
  return bytes.finish();
}

function putTexts(record: ObjectRecord): void {
  let present = 0;
  HEADER_NAMES.forEach((name, index) => {
    if (record.headers[name] !== undefined) present |= 1 << index;
  });
  bytes.putUint8(present);
  for (const name of HEADER_NAMES) {
    const value = record.headers[name];
    if (value !== undefined) bytes.putString(value);
  }
  bytes.putStrings(record.metadata);
  bytes.putStrings(record.system);
  bytes.putStrings(record.tags);
}

export function decodeObject(source: Buffer): ObjectRecord {
  bytes.openBytes(source);
  const flags = bytes.getUint8();
  const { content, codec } = getContent();
  const sequence = bytes.getUint48();
  const null_version = (flags & FLAG.null_version) !== 0;
  const tag = null_version ? NO_TAG : bytes.getHex(8);
  const modified_at_ms = bytes.getUint48();
  const owner = bytes.getString();
  const marker = (flags & FLAG.delete_marker) !== 0;
  const size_bytes = marker ? 0 : bytes.getUint48();
  const md5 = marker ? NO_MD5 : bytes.getHex(16);
  const storage_class = marker ? '' : bytes.getString();
  const sha256 = (flags & FLAG.sha256) === 0 ? null : bytes.getHex(32);
  const blob_id = hasBlobId(content, codec) ? bytes.getHex(32) : null;
  const parts_count = (flags & FLAG.parts) === 0 ? null : bytes.getUint16();
  const manifest_id = content === 'manifest' ? bytes.getUint48() : 0;
  const checksum = (flags & FLAG.checksum) === 0 ? null : getChecksum();
  const retention = (flags & FLAG.retention) === 0 ? null : getRetention();
  const texts = (flags & FLAG.texts) !== 0;
  return {
    delete_marker: marker,
    null_version,
    sequence,
    tag,
    modified_at_ms,
    size_bytes,
    md5,
    parts_count,
    content,
    codec,
    sha256,
    blob_id,
    manifest_id,
    checksum,
    retention,
    legal_hold: (flags & FLAG.legal_hold) !== 0,
    owner,
    storage_class,
    headers: texts ? getHeaders() : NO_HEADERS,
    metadata: texts ? bytes.getStrings() : NO_STRINGS,
    system: texts ? bytes.getStrings() : NO_STRINGS,
    tags: texts ? bytes.getStrings() : NO_STRINGS,
  };
}

function getHeaders(): ContentHeaders {
  const present = bytes.getUint8();
  const headers: { -readonly [Name in keyof ContentHeaders]: string } = {};
  for (let index = 0; index < HEADER_NAMES.length; index += 1) {
    const name = HEADER_NAMES[index];
    if (name !== undefined && (present & (1 << index)) !== 0) headers[name] = bytes.getString();
  }
  return headers;
}

function getRetention(): Retention {
  const mode = bytes.getUint8() === 1 ? 'COMPLIANCE' : 'GOVERNANCE';
  return { mode, until_ms: bytes.getUint48() };
}

interface StoredContent {
  readonly content: ContentKind;
  readonly codec: BlobCodec;
}

/** One byte. */
export function putContent({ content, codec }: StoredContent): void {
  bytes.putUint8(CONTENTS.indexOf(content) | (CODECS.indexOf(codec) << 4));
}

export function getContent(): StoredContent {
  const byte = bytes.getUint8();
  return { content: CONTENTS[byte & 15] ?? 'empty', codec: CODECS[byte >> 4] ?? 'plain' };
}

/** Records of such content have a `blob_id`, and no others. */
export function hasBlobId(content: ContentKind, codec: BlobCodec): boolean {
  return content === 'blob' && codec !== 'plain';
}

export function putChecksum(checksum: StoredChecksum): void {
  bytes.putUint8(STORED_CHECKSUMS.indexOf(checksum.algorithm) | (checksum.type === 'COMPOSITE' ? 128 : 0));
  bytes.putBytes(Buffer.from(checksum.value, 'base64'));
}

export function getChecksum(): StoredChecksum {
  const code = bytes.getUint8();
  const index = code & 127;
  const algorithm = STORED_CHECKSUMS[index] ?? 'CRC64NVME';
  return {
    algorithm,
    type: (code & 128) === 0 ? 'FULL_OBJECT' : 'COMPOSITE',
    value: bytes.getBase64(ALGORITHM_BYTES[index] ?? 8),
  };
}

/** What LMDB calls for tables of object records; `decode` is given bytes that are lent. */
export const objectEncoder = { encode: encodeObject, decode: decodeObject };
