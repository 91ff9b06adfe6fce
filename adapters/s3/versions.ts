import { isStoreError, type ObjectAddress, StoreError } from '../contract/index.js';
import { text } from './attributes.js';
import { noBucket } from './bucket-book.js';
import type { S3Context } from './context.js';
import { toStoreError } from './errors.js';
import { listVersions } from './list-versions.js';

/** Of a version that is asked for by its id; no header tells it. */
export async function isLatest(context: S3Context, address: ObjectAddress): Promise<boolean> {
  const { bucket, key, version_id, signal } = address;
  if (version_id === undefined) return true;
  try {
    const { headers } = await context.upstream.sendForText({ method: 'HEAD', bucket, key, signal });
    return (text(headers, 'x-amz-version-id') ?? 'null') === version_id;
  } catch (error) {
    // The latest is a delete marker.
    if (isStoreError(error, 'not_found')) return false;
    throw error;
  }
}

/**
 * What a failed request about one version means. An answer to HEAD has no body, so whether the bucket, the object or the
 * version is missing is found out here; and servers take an id of a form they do not know for an invalid argument.
 */
export async function missing(context: S3Context, address: ObjectAddress, cause: unknown): Promise<unknown> {
  if (address.signal?.aborted === true) return cause;
  const error = toStoreError(cause);
  if (error.kind === 'delete_marker' || error.detail.delete_marker === true) {
    return deleteMarker(context, address, error);
  }
  const unknown_id = error.kind === 'invalid' && address.version_id !== undefined;
  if (error.kind !== 'not_found' && !unknown_id) return error;
  if (error.subject === 'bucket') return error;
  if (error.detail.code !== 'NoSuchKey' && error.detail.code !== 'NoSuchVersion') {
    const bucket_error = await bucketError(context, address);
    if (bucket_error !== undefined) return bucket_error;
  }
  const { detail } = error;
  const subject = address.version_id === undefined ? 'object' : 'version';
  if (subject === 'object' && (await hasVersions(context, address))) {
    const marker = await latestMarker(context, address);
    if (marker !== undefined) return markerError(marker.version_id, marker.modified_at_ms, detail);
  }
  return new StoreError('not_found', `there is no such ${subject}`, { subject, detail, cause: error });
}

/** Not every server says with its 404 that a delete marker is the reason. */
async function hasVersions(context: S3Context, { bucket, signal }: ObjectAddress): Promise<boolean> {
  if (!context.capabilities.versioning) return false;
  return (await context.buckets.info(bucket, signal)).versioning !== 'unversioned';
}

async function bucketError(context: S3Context, { bucket }: ObjectAddress): Promise<unknown> {
  if (bucket === context.records.bucket) return noBucket(bucket);
  context.buckets.forget(bucket);
  return context.buckets.info(bucket).then(
    () => undefined,
    (error: unknown) => error,
  );
}

async function deleteMarker(
  context: S3Context,
  address: ObjectAddress,
  error: StoreError,
): Promise<StoreError> {
  const { detail } = error;
  const known = {
    version_id: detail.version_id ?? address.version_id,
    modified_at_ms: detail.modified_at_ms,
  };
  if (known.version_id !== undefined && known.modified_at_ms !== undefined) {
    return markerError(String(known.version_id), Number(known.modified_at_ms), detail);
  }
  const marker = await latestMarker(context, address);
  return markerError(
    String(known.version_id ?? marker?.version_id ?? 'null'),
    Number(known.modified_at_ms ?? marker?.modified_at_ms ?? 0),
    detail,
  );
}

function markerError(version_id: string, modified_at_ms: number, detail: object): StoreError {
  return new StoreError('delete_marker', 'the version is a delete marker', {
    subject: 'version',
    detail: { ...detail, version_id, modified_at_ms },
  });
}

/** The delete marker that is meant, looked up in the listing: the headers do not tell all of it everywhere. */
async function latestMarker(context: S3Context, { bucket, key, version_id, signal }: ObjectAddress) {
  const { entries } = await listVersions(context, {
    bucket,
    prefix: key,
    // The latest version of a key is the first of all that begin with it.
    limit: version_id === undefined ? 1 : context.capabilities.list_limit_max,
    signal,
  });
  for (const entry of entries) {
    if (entry.type !== 'item' || entry.item.key !== key || !entry.item.delete_marker) continue;
    if (version_id === undefined ? entry.item.is_latest : entry.item.version_id === version_id)
      return entry.item;
  }
  return undefined;
}
