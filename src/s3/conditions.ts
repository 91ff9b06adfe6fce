import type { IncomingHttpHeaders } from 'node:http';
import type { DeleteCondition, ReadCondition, WriteCondition } from '../../adapters/contract/index.js';
import { invalidArgument } from './errors.js';
import { bareEtag, etagList } from './parameters/etag.js';
import { headerText } from './parameters/header-text.js';
import { parseTime } from './parameters/times.js';

/** The conditions of a read, or undefined when none was sent. RFC 9110, section 13: a date that is none is ignored. */
export function readCondition(headers: IncomingHttpHeaders): ReadCondition | undefined {
  return conditionOf(
    headers['if-match'],
    headers['if-none-match'],
    headers['if-modified-since'],
    headers['if-unmodified-since'],
  );
}

/** x-amz-copy-source-if-*: the same conditions, on the source of a copy. */
export function copySourceCondition(headers: IncomingHttpHeaders): ReadCondition | undefined {
  return conditionOf(
    headerText(headers, 'x-amz-copy-source-if-match'),
    headerText(headers, 'x-amz-copy-source-if-none-match'),
    headerText(headers, 'x-amz-copy-source-if-modified-since'),
    headerText(headers, 'x-amz-copy-source-if-unmodified-since'),
  );
}

function conditionOf(
  match: string | undefined,
  noneMatch: string | undefined,
  modifiedSince: string | undefined,
  unmodifiedSince: string | undefined,
): ReadCondition | undefined {
  const if_modified_since_ms = httpDate(modifiedSince);
  const if_unmodified_since_ms = httpDate(unmodifiedSince);
  if (
    match === undefined &&
    noneMatch === undefined &&
    if_modified_since_ms === undefined &&
    if_unmodified_since_ms === undefined
  ) {
    return undefined;
  }
  return {
    ...(match === undefined ? {} : { if_match: etagList(match) }),
    ...(noneMatch === undefined ? {} : { if_none_match: etagList(noneMatch) }),
    ...(if_modified_since_ms === undefined ? {} : { if_modified_since_ms }),
    ...(if_unmodified_since_ms === undefined ? {} : { if_unmodified_since_ms }),
  };
}

function httpDate(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseTime(text);
}

/** S3 User Guide, "How to prevent object overwrites with conditional writes": one ETag or `*` each. */
export function writeCondition(headers: IncomingHttpHeaders): WriteCondition | undefined {
  const match = headers['if-match'];
  const noneMatch = headers['if-none-match'];
  if (match === undefined && noneMatch === undefined) return undefined;
  return {
    ...(match === undefined ? {} : { if_match: bareEtag(match) }),
    ...(noneMatch === undefined ? {} : { if_none_match: bareEtag(noneMatch) }),
  };
}

/** S3 API reference, "DeleteObject": If-Match and the two x-amz-if-match-* headers. */
export function deleteCondition(headers: IncomingHttpHeaders): DeleteCondition | undefined {
  return parseDeleteCondition(
    headers['if-match'],
    headerText(headers, 'x-amz-if-match-last-modified-time'),
    headerText(headers, 'x-amz-if-match-size'),
  );
}

/** The same conditions as members of one object of a DeleteObjects request. */
export function parseDeleteCondition(
  etag: string | undefined,
  modifiedAt: string | undefined,
  size: string | undefined,
): DeleteCondition | undefined {
  if (etag === undefined && modifiedAt === undefined && size === undefined) return undefined;
  return {
    ...(etag === undefined ? {} : { if_match: bareEtag(etag) }),
    ...(modifiedAt === undefined ? {} : { if_modified_at_ms: exactTime(modifiedAt) }),
    ...(size === undefined ? {} : { if_size_bytes: exactSize(size) }),
  };
}

function exactTime(text: string): number {
  const at_ms = parseTime(text);
  if (at_ms === undefined) throw invalidArgument('x-amz-if-match-last-modified-time', text);
  return at_ms;
}

const DIGITS = /^\d{1,15}$/;

function exactSize(text: string): number {
  if (!DIGITS.test(text)) throw invalidArgument('x-amz-if-match-size', text);
  return Number(text);
}
