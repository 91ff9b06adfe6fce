import type { ListEntry, ObjectInfo } from '../../../adapters/contract/index.js';
import { commonPrefixXml, type ListParameters } from './listing.js';
import { wholeSecondsXml } from './times.js';

/** `<Contents>` and then `<CommonPrefixes>`, as S3 orders them. `owner` writes the `<Owner>` of an id. */
export function entriesXml(
  entries: readonly ListEntry<ObjectInfo>[],
  { text }: ListParameters,
  owner: (id: string) => string,
): string {
  let contents = '';
  let prefixes = '';
  for (const entry of entries) {
    if (entry.type === 'prefix') prefixes += commonPrefixXml(entry.prefix, text);
    else contents += `<Contents>${objectXml(entry.item, text)}${owner(entry.item.owner)}</Contents>`;
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
