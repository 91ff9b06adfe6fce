import { LIMITS } from '../../../config/limits.js';
import { encodeUriPath } from '../../wire/uri.js';
import { invalidArgument } from '../errors.js';
import type { OperationContext, Query } from '../operation.js';
import { escapeXml } from '../xml.js';
import { pageLimit } from './numbers.js';

/** What all listings of keys share. */
export interface ListParameters {
  readonly prefix: string;
  /** Undefined when keys are not grouped: an empty delimiter is none. */
  readonly delimiter: string | undefined;
  readonly max_keys: number;
  /** The value as it goes into XML: escaped, and percent-encoded first where the client asked for it. */
  readonly text: (value: string) => string;
  readonly encoding: 'url' | undefined;
}

/** Reads prefix, delimiter, encoding-type and the limit, whose name differs (`max-keys`, `max-uploads`). */
export function listParameters(query: Query, limitName: 'max-keys' | 'max-uploads'): ListParameters {
  const encoding = encodingType(query);
  return {
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') || undefined,
    max_keys: pageLimit(limitName, query.get(limitName), LIMITS.list_keys_max),
    text: encoding === 'url' ? encodeUriPath : escapeXml,
    encoding,
  };
}

function encodingType(query: Query): 'url' | undefined {
  const value = query.get('encoding-type');
  if (value === undefined || value === 'url') return value;
  throw invalidArgument('encoding-type', value, 'Invalid Encoding Method specified in Request');
}

interface PageInput<Position> {
  readonly bucket: string;
  readonly prefix: string;
  readonly delimiter?: string;
  readonly after?: Position;
  readonly limit: number;
  readonly signal: AbortSignal;
}

interface Page<Entry, Position> {
  readonly entries: readonly Entry[];
  /** What the next page begins after; null at the end. */
  readonly next: Position | null;
}

/** One page of what `list` of the store lists; with a limit of 0 none, but the bucket must be there all the same. */
export async function listPage<Entry, Position>(
  { store, bucket, signal }: OperationContext,
  { prefix, delimiter, max_keys }: ListParameters,
  after: Position | undefined,
  list: (input: PageInput<Position>) => Promise<Page<Entry, Position>>,
): Promise<Page<Entry, Position>> {
  if (max_keys === 0) {
    await store.headBucket({ bucket, signal });
    return { entries: [], next: null };
  }
  return list({
    bucket,
    prefix,
    ...(delimiter === undefined ? {} : { delimiter }),
    ...(after === undefined ? {} : { after }),
    limit: Math.min(max_keys, store.capabilities.list_limit_max),
    signal,
  });
}

/** `<CommonPrefixes>` of one prefix; `text` comes from ListParameters. */
export function commonPrefixXml(prefix: string, text: ListParameters['text']): string {
  return `<CommonPrefixes><Prefix>${text(prefix)}</Prefix></CommonPrefixes>`;
}

/** An element with text in the form of the listing, or nothing when the value is undefined. */
export function optionalXml(name: string, value: string | undefined): string {
  return value === undefined ? '' : `<${name}>${value}</${name}>`;
}
