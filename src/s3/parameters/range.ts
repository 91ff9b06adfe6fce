import type { ByteRange } from '../../../adapters/contract/index.js';
import { invalidArgument } from '../errors.js';

const SINGLE_RANGE = /^bytes=(\d*)-(\d*)$/i;

/**
 * The Range header. Undefined means the whole object: a header that is malformed, or that asks for several ranges,
 * is ignored, as S3 does (S3 API reference, "GetObject": no multiple ranges per request; RFC 9110, section 14.2).
 */
export function parseRange(header: string | undefined): ByteRange | undefined {
  if (header === undefined) return undefined;
  const match = SINGLE_RANGE.exec(header.trim());
  if (match === null) return undefined;
  const first = offset(match[1]);
  const last = offset(match[2]);
  if (first === undefined) return last === undefined ? undefined : { suffix: last };
  if (last === undefined) return { start: first };
  return last < first ? undefined : { start: first, end: last };
}

function offset(digits: string | undefined): number | undefined {
  if (digits === undefined || digits === '') return undefined;
  return Math.min(Number(digits), Number.MAX_SAFE_INTEGER);
}

const COPY_RANGE = /^bytes=(\d{1,15})-(\d{1,15})$/;

/** x-amz-copy-source-range: both ends are mandatory (S3 API reference, "UploadPartCopy"). */
export function parseCopyRange(
  header: string | undefined,
): { readonly start: number; readonly end: number } | undefined {
  if (header === undefined) return undefined;
  const match = COPY_RANGE.exec(header);
  const start = Number(match?.[1]);
  const end = Number(match?.[2]);
  if (match === null || end < start) {
    throw invalidArgument(
      'x-amz-copy-source-range',
      header,
      'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy',
    );
  }
  return { start, end };
}
