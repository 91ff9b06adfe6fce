import type { ListEntry, ListObjectsResult, ObjectInfo } from '../../../adapters/contract/index.js';
import type { OperationContext } from '../operation.js';
import { type ListParameters, listPage } from './listing.js';

/**
 * One page of a bucket from any key that a client names (S3 API reference, "ListObjectsV2": StartAfter). Stores go on
 * behind their own pages, and skip the rest of a common prefix in which a position lies; S3 starts right after the key,
 * so that the prefix is shown where it has keys behind it. The markers of ListObjects, ListObjectVersions and
 * ListMultipartUploads name where a page ended, and S3 skips that prefix as stores do.
 */
export async function listStartAfter(
  context: OperationContext,
  parameters: ListParameters,
  after: string | undefined,
): Promise<ListObjectsResult> {
  const { store, bucket, signal } = context;
  const { max_keys } = parameters;
  const list = (limit: number) =>
    listPage(context, { ...parameters, max_keys: limit }, after, (input) => store.listObjects(input));
  const prefix = prefixAround(parameters, after);
  if (prefix === undefined || after === undefined || max_keys === 0) return list(max_keys);
  const { entries: under_it } = await store.listObjects({ bucket, prefix, after, limit: 1, signal });
  if (under_it.length === 0) return list(max_keys);
  const first: ListEntry<ObjectInfo> = { type: 'prefix', prefix };
  if (max_keys === 1) {
    const { entries } = await list(1);
    return { entries: [first], next: entries.length > 0 ? prefix : null };
  }
  const rest = await list(max_keys - 1);
  return { ...rest, entries: [first, ...rest.entries] };
}

/** The common prefix under which a position lies; undefined where it lies under none, or is one itself. */
function prefixAround({ prefix, delimiter }: ListParameters, after: string | undefined): string | undefined {
  if (after === undefined || delimiter === undefined || delimiter === '') return undefined;
  if (!after.startsWith(prefix)) return undefined;
  const at = after.indexOf(delimiter, prefix.length);
  if (at < 0) return undefined;
  const common = after.slice(0, at + delimiter.length);
  return common === after ? undefined : common;
}
