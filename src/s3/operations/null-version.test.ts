import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestDoor, type TestDoor } from '../testing/test-door.js';

let door: TestDoor;
beforeAll(async () => {
  door = await startTestDoor();
  for (const bucket of ['plain', 'enabled', 'suspended']) await door.alice.send('PUT', `/${bucket}`);
  // Before versioning: the same version id as what is written while it is suspended.
  await door.alice.send('PUT', '/enabled/old', { body: 'old' });
  await setVersioning('enabled', 'Enabled');
  await setVersioning('suspended', 'Enabled');
  await setVersioning('suspended', 'Suspended');
});
afterAll(() => door.stop());

async function setVersioning(bucket: string, state: string): Promise<void> {
  const body = `<VersioningConfiguration><Status>${state}</Status></VersioningConfiguration>`;
  const reply = await door.alice.send('PUT', `/${bucket}`, { query: { versioning: '' }, body });
  expect(reply.status).toBe(200);
}

type Request = Parameters<TestDoor['alice']['send']>[2];

/** The version that an answer names; '-' where it names none. */
async function told(method: string, path: string, request?: Request): Promise<string> {
  const { status, headers } = await door.alice.send(method, path, request);
  expect(status).toBeLessThan(400);
  return String(headers['x-amz-version-id'] ?? '-');
}

async function upload(path: string): Promise<string> {
  const { alice } = door;
  const begun = await alice.send('POST', path, { query: { uploads: '' } });
  const uploadId = begun.element('UploadId') ?? '';
  const { headers } = await alice.send('PUT', path, { query: { uploadId, partNumber: '1' }, body: 'part' });
  const part = `<Part><PartNumber>1</PartNumber><ETag>${headers.etag}</ETag></Part>`;
  const body = `<CompleteMultipartUpload>${part}</CompleteMultipartUpload>`;
  return told('POST', path, { query: { uploadId }, body });
}

test.each(['plain', 'suspended'])('writes to a %s bucket name no version', async (bucket) => {
  expect(await told('PUT', `/${bucket}/put`, { body: 'x' })).toBe('-');
  expect(await upload(`/${bucket}/parts`)).toBe('-');
});

test('reads name a null version where there may be others', async () => {
  const seen = async (path: string, query: Record<string, string>) => [
    await told('GET', path, { query }),
    await told('HEAD', path, { query }),
    await told('GET', path, { query: { ...query, attributes: '' }, headers: SIZE }),
    await told('GET', path, { query: { ...query, acl: '' } }),
  ];
  for (const bucket of ['plain', 'suspended']) await door.alice.send('PUT', `/${bucket}/read`, { body: 'x' });
  for (const query of [{}, { versionId: 'null' }]) {
    expect(await seen('/plain/read', query)).toEqual(['-', '-', '-', '-']);
    expect(await seen('/suspended/read', query)).toEqual(['null', 'null', 'null', 'null']);
    expect(await seen('/enabled/old', query)).toEqual(['null', 'null', 'null', 'null']);
  }
  const { headers } = await door.alice.send('HEAD', '/suspended/read');
  const unchanged = await door.alice.send('GET', '/suspended/read', {
    headers: { 'if-none-match': String(headers.etag) },
  });
  expect([unchanged.status, unchanged.headers['x-amz-version-id']]).toEqual([304, 'null']);
});

const SIZE = { 'x-amz-object-attributes': 'ObjectSize' };

test('a copy names the null version that it makes, as S3 does, but not the one that it was made of', async () => {
  for (const [bucket, expected] of [
    ['plain', '-'],
    ['suspended', 'null'],
  ]) {
    await door.alice.send('PUT', `/${bucket}/source`, { body: 'x' });
    const headers = { 'x-amz-copy-source': `/${bucket}/source` };
    const copied = await door.alice.send('PUT', `/${bucket}/copy`, { headers });
    expect(copied.headers['x-amz-version-id'] ?? '-').toBe(expected);
    expect(copied.headers['x-amz-copy-source-version-id']).toBeUndefined();
  }
});

test('a delete names the null marker that it makes, and the null version that it removes', async () => {
  const { alice } = door;
  await alice.send('PUT', '/plain/gone', { body: 'x' });
  expect(await told('DELETE', '/plain/gone')).toBe('-');

  await alice.send('PUT', '/suspended/gone', { body: 'x' });
  const marked = await alice.send('DELETE', '/suspended/gone');
  expect([marked.headers['x-amz-version-id'], marked.headers['x-amz-delete-marker']]).toEqual([
    'null',
    'true',
  ]);
  const again = await alice.send('DELETE', '/suspended/gone', { query: { versionId: 'null' } });
  expect([again.headers['x-amz-version-id'], again.headers['x-amz-delete-marker']]).toEqual(['null', 'true']);
  await alice.send('PUT', '/suspended/gone', { body: 'y' });
  const removed = await alice.send('DELETE', '/suspended/gone', { query: { versionId: 'null' } });
  expect([removed.headers['x-amz-version-id'], removed.headers['x-amz-delete-marker']]).toEqual([
    'null',
    undefined,
  ]);
});
