import { children, childText, type XmlElement } from '../../../src/wire/xml.js';
import type { UpstreamRequest } from '../upstream.js';
import { documentOf, ensure, headerOf, xmlBody } from './calls.js';
import { expectContent, get, type Probing, put } from './probing.js';
import { batchRequest } from './scratch.js';

/** Versions and delete markers, in a bucket of their own. */
export async function probeVersions(probing: Probing): Promise<void> {
  const made = await probing.scratch.create('versions');
  const { bucket } = made;
  const versioning = await probing.observe('versioning', async () => {
    ensure(made.answer.ok, made.answer.refusal);
    return versions(probing, bucket);
  });
  if (versioning !== true) return;
  await probing.observe('habits.batches_tell_markers', () => batchTells(probing, bucket));
  await probing.observeDeparture('deviations.no_markers_of_absent_keys', async () => {
    const { headers } = await probing.calls.must({ method: 'DELETE', bucket, key: 'never-there' });
    ensure(headers['x-amz-delete-marker'] === 'true', 'no delete marker was told');
    ensure((await listed(probing, bucket, 'never-there')).length === 1, 'no delete marker is listed');
  });
  await probing.observeDeparture('deviations.folders_without_versions', async () => {
    const ids = [
      await versionOfPut(probing, bucket, 'folder/'),
      await versionOfPut(probing, bucket, 'folder/'),
    ];
    ensure(!ids.includes('null') && ids[0] !== ids[1], 'a key that ends with a slash has no versions');
  });
  await probing.observeDeparture('deviations.prefixes_of_deleted_keys', async () => {
    await put(probing, bucket, 'hidden/key', 'x');
    await probing.calls.must({ method: 'DELETE', bucket, key: 'hidden/key' });
    const query = { 'list-type': 2, delimiter: '/', prefix: 'hid' };
    const answer = await probing.calls.must({ method: 'GET', bucket, query });
    const prefixes = children(documentOf(answer, 'ListBucketResult'), 'CommonPrefixes');
    ensure(prefixes.length === 0, 'a prefix is listed whose only object is deleted');
  });
  const deletes = await probing.observe('habits.deletes_null_markers', () => nullMarkers(probing, bucket));
  // There the other way to remove them is DeleteObjects, whose document cannot name such keys.
  probing.note('deviations.null_markers_of_odd_keys_stay', { observed: deletes === false });
}

function versioningRequest(bucket: string, status: 'Enabled' | 'Suspended'): UpstreamRequest {
  const document = `<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>${status}</Status></VersioningConfiguration>`;
  return { method: 'PUT', bucket, query: { versioning: '' }, ...xmlBody(document) };
}

async function setVersioning(
  { calls }: Probing,
  bucket: string,
  status: 'Enabled' | 'Suspended',
): Promise<void> {
  await calls.must(versioningRequest(bucket, status));
  const answer = await calls.must({ method: 'GET', bucket, query: { versioning: '' } });
  ensure(
    answer.text.includes(`<Status>${status}</Status>`),
    `versioning is not ${status} after it was set so`,
  );
}

async function versionOfPut(probing: Probing, bucket: string, key: string): Promise<string> {
  return headerOf(await put(probing, bucket, key, key), 'x-amz-version-id') ?? 'null';
}

async function versions(probing: Probing, bucket: string): Promise<boolean> {
  const { calls } = probing;
  const key = 'versioned';
  await setVersioning(probing, bucket, 'Enabled');
  const first = headerOf(await put(probing, bucket, key, 'one'), 'x-amz-version-id');
  const second = headerOf(await put(probing, bucket, key, 'two'), 'x-amz-version-id');
  ensure(first !== undefined && second !== undefined && first !== second, 'puts are not told their versions');
  ensure((await get(probing, bucket, key, first)) === 'one', 'an older version cannot be read');
  const marker = await calls.must({ method: 'DELETE', bucket, key });
  await expectContent(probing, bucket, key, null);
  const marker_id = headerOf(marker, 'x-amz-version-id');
  ensure(headerOf(marker, 'x-amz-delete-marker') === 'true', 'a delete makes no delete marker');
  ensure(
    (await listed(probing, bucket, key)).length === 3,
    'two versions and a delete marker are not listed',
  );
  await calls.must({ method: 'DELETE', bucket, key, query: { versionId: marker_id } });
  await expectContent(probing, bucket, key, 'two');
  await calls.must({ method: 'DELETE', bucket, key, query: { versionId: second } });
  await expectContent(probing, bucket, key, 'one');
  await setVersioning(probing, bucket, 'Suspended');
  const id = await versionOfPut(probing, bucket, 'suspended');
  ensure(id === 'null', 'a put while versioning is suspended makes a version');
  await setVersioning(probing, bucket, 'Enabled');
  return true;
}

/** Versions and delete markers of all keys that begin so. */
async function listed({ calls }: Probing, bucket: string, prefix: string): Promise<readonly XmlElement[]> {
  const answer = await calls.must({ method: 'GET', bucket, query: { versions: '', prefix } });
  const listing = documentOf(answer, 'ListVersionsResult');
  return [...children(listing, 'Version'), ...children(listing, 'DeleteMarker')];
}

async function batchTells(probing: Probing, bucket: string): Promise<boolean> {
  const keys = ['batch-there', 'batch-absent'];
  await put(probing, bucket, 'batch-there', 'x');
  const answer = await probing.calls.must(
    batchRequest(
      bucket,
      keys.map((key) => ({ key })),
    ),
  );
  const told = children(documentOf(answer, 'DeleteResult'), 'Deleted');
  for (const key of keys) {
    const entry = told.find((deleted) => childText(deleted, 'Key') === key);
    const version_id = entry === undefined ? undefined : childText(entry, 'DeleteMarkerVersionId');
    const markers = (await listed(probing, bucket, key)).filter(({ name }) => name === 'DeleteMarker');
    const ids = markers.map((marker) => childText(marker, 'VersionId'));
    ensure(
      ids.length === 0 ? !version_id : ids.includes(version_id ?? ''),
      `DeleteObjects tells of another delete marker of ${key} than is there`,
    );
  }
  return true;
}

async function nullMarkers(probing: Probing, bucket: string): Promise<boolean> {
  const key = 'null-marker';
  await setVersioning(probing, bucket, 'Suspended');
  await probing.calls.must({ method: 'PUT', bucket, key, body: Buffer.from('x') });
  await probing.calls.must({ method: 'DELETE', bucket, key });
  await setVersioning(probing, bucket, 'Enabled');
  const before = await listed(probing, bucket, key);
  ensure(before.length === 1, 'a delete while versioning is suspended makes no null delete marker');
  await probing.calls.must({ method: 'DELETE', bucket, key, query: { versionId: 'null' } });
  ensure((await listed(probing, bucket, key)).length === 0, 'a null delete marker stays when it is deleted');
  return true;
}
