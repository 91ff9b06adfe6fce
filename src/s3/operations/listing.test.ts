import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestDoor, type TestDoor } from '../testing/test-door.js';

let door: TestDoor;
const KEYS = ['a', 'a/1', 'a/2', 'b', 'b-1', 'c/1', 'd e', 'é', '\u{1f600}', '\uffee'];

beforeAll(async () => {
  door = await startTestDoor();
  await door.alice.send('PUT', '/list');
  for (const key of KEYS) await door.alice.send('PUT', `/list/${key}`, { body: key });
  await door.alice.send('PUT', '/odd');
  await door.alice.send('PUT', '/odd/x\u0001&y', { body: 'x' });
});
afterAll(() => door.stop());

const list = (query: Record<string, string>, bucket = 'list') =>
  door.alice.send('GET', `/${bucket}`, { query });
const v2 = (query: Record<string, string>, bucket?: string) => list({ 'list-type': '2', ...query }, bucket);

/** UTF-8 order: the emoji, four bytes, comes last, although UTF-16 puts it before U+FFEE. */
const IN_ORDER = ['a', 'a/1', 'a/2', 'b', 'b-1', 'c/1', 'd e', 'é', '\uffee', '\u{1f600}'];

test('all keys, in the order of their bytes', async () => {
  const page = await v2({});
  expect(page.elements('Key')).toEqual(IN_ORDER);
  expect([page.element('KeyCount'), page.element('MaxKeys'), page.element('IsTruncated')]).toEqual([
    '10',
    '1000',
    'false',
  ]);
  expect(page.element('ETag')).toBe('"0cc175b9c0f1b6a831c399e269772661"');
  expect([page.element('Size'), page.element('StorageClass')]).toEqual(['1', 'STANDARD']);
  expect(page.element('LastModified')).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/);
  expect(page.element('ID')).toBeUndefined();
  expect((await v2({ 'fetch-owner': 'true' })).element('ID')).toBe('id-of-alice');
});

test.each([1, 2, 3, 7])('pages of %i keys show each key and each common prefix once', async (size) => {
  const seen: string[] = [];
  let token: string | undefined;
  do {
    const page = await v2({
      delimiter: '/',
      'max-keys': String(size),
      ...(token === undefined ? {} : { 'continuation-token': token }),
    });
    const names = [...page.elements('Key'), ...page.elements('Prefix').slice(1)];
    expect(Number(page.element('KeyCount'))).toBe(names.length);
    seen.push(...names);
    token = page.element('NextContinuationToken');
    expect(page.element('IsTruncated')).toBe(String(token !== undefined));
  } while (token !== undefined);
  expect(seen.sort()).toEqual(['a', 'a/', 'b', 'b-1', 'c/', 'd e', 'é', '\uffee', '\u{1f600}'].sort());
});

test.each([
  ['a/1', ['a/'], 'it has keys behind the position'],
  ['a/0', ['a/'], 'all of it is behind the position'],
  ['a/2', [], 'its last key is the position'],
  ['a/', [], 'it is the position, as at the end of a page'],
])('from %s with a delimiter the prefix around it shows %j: %s', async (from, expected) => {
  const all = [...expected, 'b', 'b-1', 'c/', 'd e', 'é', '\uffee', '\u{1f600}'].sort();
  for (const size of [1, 2, 3, 1000]) {
    const seen: string[] = [];
    let query: Record<string, string> = { 'start-after': from };
    for (;;) {
      const page = await v2({ delimiter: '/', 'max-keys': String(size), ...query });
      seen.push(...page.elements('Key'), ...page.elements('Prefix').slice(1));
      expect(Number(page.element('KeyCount'))).toBeLessThanOrEqual(size);
      const token = page.element('NextContinuationToken');
      if (token === undefined) break;
      query = { 'continuation-token': token };
    }
    expect(seen.sort(), `pages of ${size}`).toEqual(all);
  }
  const under = await v2({ delimiter: '/', 'start-after': from, prefix: 'a/' });
  expect(under.elements('Prefix').slice(1)).toEqual([]);
});

test('a marker skips the prefix in which it lies, whatever is listed', async () => {
  const { alice } = door;
  await alice.send('PUT', '/marked');
  const keys = ['folder/a/1', 'folder/a/2', 'folder/b', 'folder/c'];
  for (const key of keys) {
    await alice.send('PUT', `/marked/${key}`, { body: 'x' });
    await alice.send('POST', `/marked/${key}`, { query: { uploads: '' } });
  }
  const page = { prefix: 'folder/', delimiter: '/' };
  for (const query of [
    { marker: 'folder/a/1' },
    { versions: '', 'key-marker': 'folder/a/1' },
    { uploads: '', 'key-marker': 'folder/a/1' },
  ]) {
    const first = await list({ ...page, ...query, 'max-keys': '1', 'max-uploads': '1' }, 'marked');
    expect([first.elements('Key'), first.element('IsTruncated')]).toEqual([['folder/b'], 'true']);
    const all = await list({ ...page, ...query }, 'marked');
    expect([all.elements('Key'), all.elements('Prefix')]).toEqual([['folder/b', 'folder/c'], ['folder/']]);
  }
});

test('version 1 pages by marker and names the next one only with a delimiter', async () => {
  const first = await list({ 'max-keys': '2' });
  expect([first.elements('Key'), first.element('IsTruncated')]).toEqual([['a', 'a/1'], 'true']);
  expect(first.element('NextMarker')).toBeUndefined();
  const second = await list({ 'max-keys': '2', marker: 'a/1' });
  expect(second.elements('Key')).toEqual(['a/2', 'b']);
  const grouped = await list({ 'max-keys': '2', delimiter: '/' });
  expect(grouped.element('NextMarker')).toBe('a/');
  const next = await list({ 'max-keys': '1', delimiter: '/', marker: 'a/' });
  expect([next.elements('Key'), next.elements('Prefix')]).toEqual([['b'], ['']]);
  expect(first.element('DisplayName')).toBe('Alice');
});

test('prefix and start-after narrow the listing', async () => {
  expect((await v2({ prefix: 'a/' })).elements('Key')).toEqual(['a/1', 'a/2']);
  expect((await v2({ prefix: 'a/', delimiter: '/' })).elements('Key')).toEqual(['a/1', 'a/2']);
  expect((await v2({ 'start-after': 'd e' })).elements('Key')).toEqual(IN_ORDER.slice(7));
  expect((await v2({ prefix: 'zzz' })).elements('Key')).toEqual([]);
});

test('max-keys=0 is an empty page and the end', async () => {
  const page = await v2({ 'max-keys': '0' });
  expect([page.element('KeyCount'), page.element('IsTruncated')]).toEqual(['0', 'false']);
  expect((await v2({ 'max-keys': '0' }, 'not-there')).status).toBe(404);
});

test.each([
  [{ 'max-keys': 'many' }],
  [{ 'max-keys': '-1' }],
  [{ 'encoding-type': 'base64' }],
  [{ 'continuation-token': 'forged' }],
])('%j is refused', async (query) => {
  const page = await v2(query as Record<string, string>);
  expect([page.status, page.element('Code')]).toEqual([400, 'InvalidArgument']);
});

test('keys that XML cannot carry come unharmed when they are encoded', async () => {
  const encoded = await v2({ 'encoding-type': 'url' }, 'odd');
  expect(encoded.element('Key')).toBe('x%01%26y');
  const plain = await v2({}, 'odd');
  expect(plain.element('Key')).toBe('x\ufffd&y');
});

test('versions are listed newest first, in pages that never lose one', async () => {
  const { alice } = door;
  await alice.send('PUT', '/versions');
  await alice.send('PUT', '/versions', {
    query: { versioning: '' },
    body: '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>',
  });
  const ids: string[] = [];
  for (const body of ['1', '2']) {
    const put = await alice.send('PUT', '/versions/k', { body });
    ids.unshift(String(put.headers['x-amz-version-id']));
  }
  const marker = await alice.send('DELETE', '/versions/k');
  ids.unshift(String(marker.headers['x-amz-version-id']));
  const put = await alice.send('PUT', '/versions/l', { body: 'x' });
  ids.push(String(put.headers['x-amz-version-id']));

  const all = await list({ versions: '' }, 'versions');
  expect(all.elements('VersionId').sort()).toEqual([...ids].sort());
  expect(all.elements('IsLatest')).toEqual(['true', 'false', 'false', 'true']);
  expect(all.text.match(/<DeleteMarker>/g)).toHaveLength(1);

  const seen: string[] = [];
  let after: Record<string, string> = {};
  for (;;) {
    const page = await list({ versions: '', 'max-keys': '1', ...after }, 'versions');
    seen.push(...page.elements('VersionId'));
    if (page.element('IsTruncated') === 'false') break;
    after = {
      'key-marker': page.element('NextKeyMarker') ?? '',
      'version-id-marker': page.element('NextVersionIdMarker') ?? '',
    };
  }
  expect(seen).toEqual(ids);
  const refused = await list({ versions: '', 'version-id-marker': 'x' }, 'versions');
  expect(refused.element('Code')).toBe('InvalidArgument');
});
