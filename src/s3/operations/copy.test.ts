import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestDoor, type TestDoor } from '../testing/test-door.js';

let door: TestDoor;
beforeAll(async () => {
  door = await startTestDoor();
  await door.alice.send('PUT', '/from');
  await door.alice.send('PUT', '/into');
  await door.bob.send('PUT', '/bobs');
  await door.bob.send('PUT', '/bobs/secret', { body: 'secret' });
  await door.alice.send('PUT', '/from/a key+ü', {
    body: 'hello',
    headers: { 'content-type': 'text/plain', 'x-amz-meta-a': '1', 'x-amz-tagging': 't=1' },
  });
});
afterAll(() => door.stop());

const SOURCE = '/from/a%20key%2B%C3%BC';

function copy(path: string, headers: Record<string, string> = {}) {
  return door.alice.send('PUT', path, { headers: { 'x-amz-copy-source': SOURCE, ...headers } });
}

test('a copy has the content, the metadata and the tags of its source', async () => {
  const reply = await copy('/into/copy');
  expect([reply.status, reply.element('ETag')]).toEqual([200, '"5d41402abc4b2a76b9719d911017c592"']);
  const got = await door.alice.send('GET', '/into/copy');
  expect(got.text).toBe('hello');
  expect(got.headers).toMatchObject({
    'content-type': 'text/plain',
    'x-amz-meta-a': '1',
    'x-amz-tagging-count': '1',
  });
});

test('REPLACE takes metadata and tags from the request', async () => {
  await copy('/into/replaced', {
    'x-amz-metadata-directive': 'REPLACE',
    'x-amz-tagging-directive': 'REPLACE',
    'x-amz-tagging': 'x=1&y=2',
    'x-amz-meta-b': '2',
    'content-type': 'text/html',
  });
  const { headers } = await door.alice.send('HEAD', '/into/replaced');
  expect(headers['content-type']).toBe('text/html');
  expect([headers['x-amz-meta-a'], headers['x-amz-meta-b']]).toEqual([undefined, '2']);
  expect(headers['x-amz-tagging-count']).toBe('2');
  expect((await copy('/into/x', { 'x-amz-metadata-directive': 'MERGE' })).element('Code')).toBe(
    'InvalidArgument',
  );
});

test('onto itself only with a change', async () => {
  const same = (headers: Record<string, string> = {}) =>
    door.alice.send('PUT', '/from/self', { headers: { 'x-amz-copy-source': 'from/self', ...headers } });
  await door.alice.send('PUT', '/from/self', { body: 'me', headers: { 'x-amz-meta-a': '1' } });
  const refused = await same();
  expect([refused.status, refused.element('Code')]).toEqual([400, 'InvalidRequest']);
  const changed = await same({ 'x-amz-metadata-directive': 'REPLACE', 'x-amz-meta-a': '2' });
  expect(changed.status).toBe(200);
  const got = await door.alice.send('GET', '/from/self');
  expect([got.text, got.headers['x-amz-meta-a']]).toEqual(['me', '2']);
  expect((await same({ 'x-amz-storage-class': 'STANDARD_IA' })).status).toBe(200);
  const { headers } = await door.alice.send('HEAD', '/from/self');
  expect([headers['x-amz-storage-class'], headers['x-amz-meta-a']]).toEqual(['STANDARD_IA', '2']);
});

test.each([
  [{ 'x-amz-copy-source-if-match': '"5d41402abc4b2a76b9719d911017c592"' }, 200],
  [{ 'x-amz-copy-source-if-match': '"x"' }, 412],
  [{ 'x-amz-copy-source-if-none-match': '"5d41402abc4b2a76b9719d911017c592"' }, 412],
  [{ 'x-amz-copy-source-if-unmodified-since': 'Sat, 01 Jan 2000 00:00:00 GMT' }, 412],
  [{ 'x-amz-copy-source-if-modified-since': 'Sat, 01 Jan 2000 00:00:00 GMT' }, 200],
  [{ 'if-match': '"not the one"' }, 412],
])('conditions %j', async (headers, status) => {
  await door.alice.send('PUT', '/into/target', { body: 'old' });
  expect((await copy('/into/target', headers as Record<string, string>)).status).toBe(status);
});

test('If-None-Match protects what is there', async () => {
  expect((await copy('/into/new-one', { 'if-none-match': '*' })).status).toBe(200);
  expect((await copy('/into/new-one', { 'if-none-match': '*' })).status).toBe(412);
});

test('the redirect location is never copied', async () => {
  await door.alice.send('PUT', '/from/redirect', {
    body: 'x',
    headers: { 'x-amz-website-redirect-location': '/a', 'x-amz-meta-a': '1' },
  });
  await copy('/into/redirect', { 'x-amz-copy-source': '/from/redirect' });
  const { headers } = await door.alice.send('HEAD', '/into/redirect');
  expect([headers['x-amz-website-redirect-location'], headers['x-amz-meta-a']]).toEqual([undefined, '1']);
});

test('a source that one may not read is no source', async () => {
  const reply = await copy('/into/stolen', { 'x-amz-copy-source': '/bobs/secret' });
  expect([reply.status, reply.element('Code')]).toEqual([403, 'AccessDenied']);
  const part = await door.alice.send('PUT', '/into/stolen', {
    query: { partNumber: '1', uploadId: 'any' },
    headers: { 'x-amz-copy-source': '/bobs/secret' },
  });
  expect(part.element('Code')).toBe('AccessDenied');
});

test('an old version is copied by its id', async () => {
  const { alice } = door;
  await alice.send('PUT', '/history');
  await alice.send('PUT', '/history', {
    query: { versioning: '' },
    body: '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>',
  });
  const old = await alice.send('PUT', '/history/k', { body: 'old' });
  await alice.send('PUT', '/history/k', { body: 'new' });
  const id = String(old.headers['x-amz-version-id']);
  // Onto itself: that is how a version is brought back.
  const reply = await alice.send('PUT', '/history/k', {
    headers: { 'x-amz-copy-source': `/history/k?versionId=${id}` },
  });
  expect([reply.status, reply.headers['x-amz-copy-source-version-id']]).toEqual([200, id]);
  expect((await alice.send('GET', '/history/k')).text).toBe('old');
});
