import { LIMITS } from '../../config/limits.js';
import { CHECKSUM_BYTES, isChecksumAlgorithm } from '../../src/wire/checksums.js';
import type { ObjectChecksum } from '../contract/index.js';
import type { AnswerHeaders, Headers } from './attributes.js';

/**
 * For upstreams that keep no checksums: what was verified on the way up lies in user metadata, where it is known before the
 * body goes, so that both become visible in one step.
 */
const HEADER = 'x-amz-meta-backup-node-checksum';
const META = 'x-amz-meta-';

/** The headers of a write, with the checksum of its bytes among them where there is room; null: there is not. */
export function withChecksum(
  headers: Headers,
  checksum: ObjectChecksum | null,
  size_bytes: number,
): { readonly headers: Headers; readonly kept: ObjectChecksum | null } {
  if (checksum?.type !== 'FULL_OBJECT') return { headers, kept: null };
  // The size is there because tools that change bytes upstream may leave the metadata as they found it.
  const kept = { ...headers, [HEADER]: `${checksum.algorithm} ${checksum.value} ${size_bytes}` };
  return metadataBytes(kept) > LIMITS.metadata_bytes_max
    ? { headers, kept: null }
    : { headers: kept, kept: checksum };
}

/** As S3 counts it: names without their prefix, and values. */
function metadataBytes(headers: Headers): number {
  return Object.entries(headers)
    .filter(([name]) => name.startsWith(META))
    .reduce((sum, [name, value = '']) => sum + name.length - META.length + value.length, 0);
}

/** Null where there is none, or none of these bytes. */
export function keptChecksum(headers: AnswerHeaders, size_bytes: number): ObjectChecksum | null {
  const text = headers[HEADER];
  if (typeof text !== 'string') return null;
  const [algorithm = '', value = '', size] = text.split(' ');
  if (!isChecksumAlgorithm(algorithm) || size !== String(size_bytes)) return null;
  if (Buffer.from(value, 'base64').length !== CHECKSUM_BYTES[algorithm]) return null;
  return { algorithm, type: 'FULL_OBJECT', value };
}
