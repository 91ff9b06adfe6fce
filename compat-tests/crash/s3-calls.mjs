import { elementsOf, RefusedError, textOf } from './s3-client.mjs';

/** @typedef {import('./s3-client.mjs').S3Client} S3Client */

/**
 * One entry of ListObjectVersions.
 * @typedef {object} ListedVersion
 * @property {string} key
 * @property {string} version_id
 * @property {boolean} delete_marker
 * @property {boolean} is_latest
 * @property {number} size_bytes 0 for a delete marker
 */

/** @param {S3Client} s3 @param {string} bucket @param {boolean} versioned */
export async function createBucket(s3, bucket, versioned) {
  await s3.ask({ method: 'PUT', bucket });
  if (!versioned) return;
  const body =
    '<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status></VersioningConfiguration>';
  await s3.ask({ method: 'PUT', bucket, query: { versioning: '' }, body });
}

/**
 * @param {S3Client} s3 @param {string} bucket
 * @returns {Promise<ListedVersion[]>} in the order of the listing
 */
export async function listVersions(s3, bucket) {
  /** @type {ListedVersion[]} */
  const versions = [];
  /** @type {Record<string, string>} */
  let marker = {};
  for (;;) {
    const { body } = await s3.ask({ method: 'GET', bucket, query: { versions: '', ...marker } });
    const xml = body.toString();
    // Both kinds of entry come mixed, in order.
    for (const [, name = '', entry = ''] of xml.matchAll(/<(Version|DeleteMarker)>(.*?)<\/\1>/gs)) {
      versions.push({
        key: textOf(entry, 'Key') ?? '',
        version_id: textOf(entry, 'VersionId') ?? '',
        delete_marker: name === 'DeleteMarker',
        is_latest: textOf(entry, 'IsLatest') === 'true',
        size_bytes: Number(textOf(entry, 'Size') ?? 0),
      });
    }
    if (textOf(xml, 'IsTruncated') !== 'true') return versions;
    marker = {
      'key-marker': textOf(xml, 'NextKeyMarker') ?? '',
      'version-id-marker': textOf(xml, 'NextVersionIdMarker') ?? '',
    };
  }
}

/** @param {S3Client} s3 @param {string} bucket @returns {Promise<string[]>} */
export async function listKeys(s3, bucket) {
  /** @type {string[]} */
  const keys = [];
  for (let after = ''; ; ) {
    const query = { 'list-type': '2', ...(after === '' ? {} : { 'continuation-token': after }) };
    const { body } = await s3.ask({ method: 'GET', bucket, query });
    const xml = body.toString();
    keys.push(...elementsOf(xml, 'Contents').map((entry) => textOf(entry, 'Key') ?? ''));
    if (textOf(xml, 'IsTruncated') !== 'true') return keys;
    after = textOf(xml, 'NextContinuationToken') ?? '';
  }
}

/**
 * @param {S3Client} s3
 * @param {{ bucket: string, key: string, version_id?: string }} address
 * @returns {Promise<Buffer | null>} null where there is no such object
 */
export async function getObject(s3, { bucket, key, version_id }) {
  const query = version_id === undefined ? {} : { versionId: version_id };
  const call = { method: 'GET', bucket, key, query };
  const answer = await s3.send(call);
  if (answer.status === 404) return null;
  if (answer.status >= 300) throw new RefusedError(call, answer);
  return answer.body;
}

/** @typedef {{ bucket: string, key: string, upload_id: string }} UploadName */

/** @param {S3Client} s3 @param {string} bucket @param {string} key @returns {Promise<UploadName>} */
export async function createUpload(s3, bucket, key) {
  const { body } = await s3.ask({ method: 'POST', bucket, key, query: { uploads: '' } });
  const upload_id = textOf(body.toString(), 'UploadId');
  if (upload_id === null) throw new Error(`no upload id in ${body}`);
  return { bucket, key, upload_id };
}

/**
 * @param {S3Client} s3 @param {UploadName} upload
 * @returns {Promise<Map<number, string> | null>} ETags by part number; null where the upload is unknown
 */
export async function listParts(s3, { bucket, key, upload_id }) {
  const call = { method: 'GET', bucket, key, query: { uploadId: upload_id } };
  const answer = await s3.send(call);
  if (answer.status === 404) return null;
  if (answer.status >= 300) throw new RefusedError(call, answer);
  const parts = elementsOf(answer.body.toString(), 'Part');
  return new Map(parts.map((part) => [Number(textOf(part, 'PartNumber')), textOf(part, 'ETag') ?? '']));
}

/**
 * @param {S3Client} s3 @param {UploadName} upload @param {ReadonlyMap<number, string>} etags by part number
 * @returns {Promise<import('./s3-client.mjs').Answer>}
 */
export async function completeUpload(s3, { bucket, key, upload_id }, etags) {
  const parts = [...etags]
    .sort(([a], [b]) => a - b)
    .map(([number, etag]) => `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag></Part>`);
  const body = `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${parts.join('')}</CompleteMultipartUpload>`;
  const call = { method: 'POST', bucket, key, query: { uploadId: upload_id }, body };
  const answer = await s3.ask(call);
  // The error of a slow complete comes in the body of a 200 (S3 API reference, "CompleteMultipartUpload").
  if (!answer.body.includes('<CompleteMultipartUploadResult')) throw new RefusedError(call, answer);
  return answer;
}
