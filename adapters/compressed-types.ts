import type { ContentHeaders } from './contract/index.js';

/** Content types whose bytes are compressed already, by their beginnings: trying to compress them again would be in vain. */
const COMPRESSED_TYPES = [
  'image/',
  'video/',
  'audio/',
  'font/woff',
  'application/epub+zip',
  'application/gzip',
  'application/java-archive',
  'application/pdf',
  'application/vnd.oasis.opendocument.',
  'application/vnd.openxmlformats-',
  'application/vnd.rar',
  'application/x-7z-compressed',
  'application/x-bzip2',
  'application/x-gzip',
  'application/x-rar-compressed',
  'application/x-xz',
  'application/zip',
  'application/zstd',
];

/** Those among them that are not. */
const PLAIN_TYPES = [
  'image/bmp',
  'image/svg',
  'image/tiff',
  'image/x-ms-bmp',
  'audio/midi',
  'audio/wav',
  'audio/wave',
  'audio/x-wav',
];

const COMPRESSED_ENCODING = /gzip|br|zstd|deflate|compress/i;

/** Whether headers say that the content is compressed. */
export function isCompressed({ content_type = '', content_encoding = '' }: ContentHeaders = {}): boolean {
  const type = content_type.trim().toLowerCase();
  const is = (beginning: string) => type.startsWith(beginning);
  return COMPRESSED_ENCODING.test(content_encoding) || (COMPRESSED_TYPES.some(is) && !PLAIN_TYPES.some(is));
}
