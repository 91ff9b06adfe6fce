import type { ListVersionsResult, VersionEntry, VersionPosition } from '../../../adapters/contract/index.js';
import { invalidArgument } from '../errors.js';
import type { Operation, OperationContext, Reply } from '../operation.js';
import {
  commonPrefixXml,
  type ListParameters,
  listPage,
  listParameters,
  optionalXml,
} from '../parameters/listing.js';
import { describeXml } from '../parameters/listing-entries.js';
import { listedOwnerWriter } from '../parameters/owner.js';
import { wholeSecondsXml } from '../parameters/times.js';
import { escapeXml, xmlDocument } from '../xml.js';

/** S3 API reference, "ListObjectVersions". */
export const listObjectVersions: Operation = {
  name: 'ListObjectVersions',
  action: 's3:ListBucketVersions',
  body: 'none',
  run,
};

async function run(context: OperationContext): Promise<Reply> {
  const { query, bucket, store } = context;
  const parameters = listParameters(query, 'max-keys');
  const { text, delimiter } = parameters;
  const keyMarker = query.get('key-marker') ?? '';
  const versionMarker = query.get('version-id-marker') ?? '';
  const page = await listPage(context, parameters, position(keyMarker, versionMarker), (input) =>
    store.listVersions(input),
  );
  const body =
    `<Name>${escapeXml(bucket)}</Name><Prefix>${text(parameters.prefix)}</Prefix>` +
    `<KeyMarker>${text(keyMarker)}</KeyMarker><VersionIdMarker>${escapeXml(versionMarker)}</VersionIdMarker>` +
    nextXml(page.next, text) +
    `<MaxKeys>${parameters.max_keys}</MaxKeys>` +
    optionalXml('Delimiter', delimiter === undefined ? undefined : text(delimiter)) +
    optionalXml('EncodingType', parameters.encoding) +
    `<IsTruncated>${page.next !== null}</IsTruncated>` +
    versionsXml(page, text, await listedOwnerWriter(context, page.entries));
  return { status: 200, body: xmlDocument('ListVersionsResult', body) };
}

function position(key: string, version_id: string): VersionPosition | undefined {
  if (version_id === '') return key === '' ? undefined : { key };
  if (key === '') {
    throw invalidArgument(
      'version-id-marker',
      version_id,
      'A version-id marker cannot be specified without a key marker.',
    );
  }
  return { key, version_id };
}

function nextXml(next: VersionPosition | null, text: ListParameters['text']): string {
  if (next === null) return '';
  return (
    `<NextKeyMarker>${text(next.key)}</NextKeyMarker>` +
    optionalXml('NextVersionIdMarker', next.version_id === undefined ? undefined : escapeXml(next.version_id))
  );
}

function versionsXml(
  page: ListVersionsResult,
  text: ListParameters['text'],
  owner: (id: string) => string,
): string {
  let versions = '';
  let prefixes = '';
  for (const entry of page.entries) {
    if (entry.type === 'prefix') prefixes += commonPrefixXml(entry.prefix, text);
    else versions += versionXml(entry.item, text) + owner(entry.item.owner) + closing(entry.item);
  }
  return versions + prefixes;
}

function versionXml(item: VersionEntry, text: ListParameters['text']): string {
  const identity =
    `<Key>${text(item.key)}</Key><VersionId>${escapeXml(item.version_id)}</VersionId>` +
    `<IsLatest>${item.is_latest}</IsLatest>`;
  if (!item.delete_marker) return `<Version>${identity}${describeXml(item)}`;
  return `<DeleteMarker>${identity}<LastModified>${wholeSecondsXml(item.modified_at_ms)}</LastModified>`;
}

function closing(item: VersionEntry): string {
  return item.delete_marker ? '</DeleteMarker>' : '</Version>';
}
