import type { ObjectAddress, ObjectInfo } from '../../../adapters/contract/index.js';
import { LIMITS } from '../../../config/limits.js';
import { invalidArgument } from '../errors.js';
import type { OperationContext } from '../operation.js';
import { parseXml, type XmlElement } from '../xml.js';

/** The object that the request names, with the version from `versionId` where one is given. */
export function objectAddress(context: OperationContext): ObjectAddress {
  const version_id = versionId(context);
  const { bucket, key, signal } = context;
  return version_id === undefined ? { bucket, key, signal } : { bucket, key, signal, version_id };
}

/** `versionId`; S3 refuses an empty one. */
function versionId(context: OperationContext): string | undefined {
  const value = context.query.get('versionId');
  if (value === '') throw invalidArgument('versionId', '', 'Version id cannot be the empty string');
  return value;
}

/**
 * A reply header for the version that was written. There is none for a `null` version, not even where versioning is
 * suspended (S3 API reference, "PutObject", the examples): only reads, copies and deletes name it.
 */
export function versionHeader(version_id: string): Record<string, string> {
  return version_id === 'null' ? {} : { 'x-amz-version-id': version_id };
}

/** The same for a read or a copy, which names a `null` version where it is one of several. */
export function readVersionHeader({
  version_id,
  null_version,
}: Pick<ObjectInfo, 'version_id' | 'null_version'>): Record<string, string> {
  return null_version === true ? { 'x-amz-version-id': version_id } : versionHeader(version_id);
}

/** The request document, whose root must be `root`. */
export async function requestDocument(
  context: OperationContext,
  root: string,
  bytes_max: number = LIMITS.xml_bytes_max,
): Promise<XmlElement> {
  return parseXml(await context.payload.text(bytes_max), root, bytes_max);
}
