import type { ListEntry, ObjectInfo } from '../../../adapters/contract/index.js';
import type { OperationContext } from '../operation.js';
import { commonPrefixXml, type ListParameters } from './listing.js';
import { ownerWriter } from './owner.js';
import { wholeSecondsXml } from './times.js';

export interface ListPage {
  readonly entries: readonly ListEntry<ObjectInfo>[];
  /** The last key or common prefix of a page that others follow; null at the end. */
  readonly next: string | null;
}

/** One page of keys; with `max-keys=0` none, but the bucket must be there all the same. */
export async function listPage(
  { store, bucket, signal }: OperationContext,
  parameters: ListParameters,
  after: string | undefined,
): Promise<ListPage> {
  if (parameters.max_keys === 0) {
    await store.headBucket({ bucket, signal });
    return { entries: [], next: null };
  }
  return store.listObjects({
    bucket,
    prefix: parameters.prefix,
    ...(parameters.delimiter === undefined ? {} : { delimiter: parameters.delimiter }),
    ...(after === undefined ? {} : { after }),
    limit: Math.min(parameters.max_keys, store.capabilities.list_limit_max),
    signal,
  });
}

/** `<Contents>` and then `<CommonPrefixes>`, as S3 orders them. */
export function entriesXml(
  entries: ListPage['entries'],
  { text }: ListParameters,
  credentials: OperationContext['credentials'],
  withOwner: boolean,
): string {
  const owner = ownerWriter(credentials);
  let contents = '';
  let prefixes = '';
  for (const entry of entries) {
    if (entry.type === 'prefix') prefixes += commonPrefixXml(entry.prefix, text);
    else
      contents += `<Contents>${objectXml(entry.item, text)}${withOwner ? owner(entry.item.owner) : ''}</Contents>`;
  }
  return contents + prefixes;
}

function objectXml(info: ObjectInfo, text: ListParameters['text']): string {
  return `<Key>${text(info.key)}</Key>${describeXml(info)}`;
}

/** What listings of objects and of versions say of the content. ETags and checksum names need no escape but quotes. */
export function describeXml(info: ObjectInfo): string {
  const checksum =
    info.checksum === null
      ? ''
      : `<ChecksumAlgorithm>${info.checksum.algorithm}</ChecksumAlgorithm>` +
        `<ChecksumType>${info.checksum.type}</ChecksumType>`;
  return (
    `<LastModified>${wholeSecondsXml(info.modified_at_ms)}</LastModified>` +
    `<ETag>&quot;${info.etag}&quot;</ETag>${checksum}<Size>${info.size_bytes}</Size>` +
    `<StorageClass>${info.storage_class || 'STANDARD'}</StorageClass>`
  );
}
