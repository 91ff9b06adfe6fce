import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestReply } from '../testing/signed-client.js';
import { startTestDoor, type TestDoor } from '../testing/test-door.js';

let door: TestDoor;
const PART = 5 * 1024 * 1024;
const FIRST = Buffer.alloc(PART, 'a');
const LAST = Buffer.from('the end');

beforeAll(async () => {
  door = await startTestDoor();
  await door.alice.send('PUT', '/parts');
});
afterAll(() => door.stop());

async function begin(key: string, headers: Record<string, string> = {}): Promise<string> {
  const reply = await door.alice.send('POST', `/parts/${key}`, { query: { uploads: '' }, headers });
  expect(reply.status).toBe(200);
  return reply.element('UploadId') ?? '';
}

function part(
  key: string,
  uploadId: string,
  number: number,
  body: Buffer,
  headers: Record<string, string> = {},
) {
  const query = { partNumber: String(number), uploadId };
  return door.alice.send('PUT', `/parts/${key}`, { query, headers, body });
}

type Done = readonly [number: number, etag: string, more?: string];

function complete(
  key: string,
  uploadId: string,
  parts: readonly Done[],
  headers: Record<string, string> = {},
) {
  const items = parts.map(
    ([number, etag, more = '']) =>
      `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag>${more}</Part>`,
  );
  return door.alice.send('POST', `/parts/${key}`, {
    query: { uploadId },
    headers,
    body: `<CompleteMultipartUpload>${items.join('')}</CompleteMultipartUpload>`,
  });
}

const etag = (reply: TestReply) => String(reply.headers.etag);

/** Uploads FIRST and LAST, in the wrong order, and completes them. */
async function twoParts(key: string, headers: Record<string, string> = {}) {
  const uploadId = await begin(key, headers);
  const last = await part(key, uploadId, 7, LAST);
  const first = await part(key, uploadId, 2, FIRST);
  const parts: Done[] = [
    [2, etag(first)],
    [7, etag(last)],
  ];
  return { uploadId, parts, done: await complete(key, uploadId, parts) };
}

const crc32Of = (bytes: Buffer) => {
  const value = Buffer.alloc(4);
  value.writeUInt32BE(crc32(bytes));
  return value.toString('base64');
};

test('parts become one object with the ETag of their ETags', async () => {
  const { done, uploadId, parts } = await twoParts('whole', {
    'content-type': 'text/plain',
    'x-amz-meta-a': 'b',
  });
  const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest();
  const expected = `"${createHash('md5').update(md5(FIRST)).update(md5(LAST)).digest('hex')}-2"`;
  expect([done.status, done.element('ETag'), done.element('Key')]).toEqual([200, expected, 'whole']);
  expect(done.element('Location')).toMatch(/^http:\/\/.*\/parts\/whole$/);
  const got = await door.alice.send('GET', '/parts/whole');
  expect(got.body.equals(Buffer.concat([FIRST, LAST]))).toBe(true);
  expect([got.headers['content-type'], got.headers['x-amz-meta-a']]).toEqual(['text/plain', 'b']);
  // After a lost reply the client asks again.
  const again = await complete('whole', uploadId, parts);
  expect([again.status, again.element('ETag')]).toEqual([200, expected]);
});

test('a single part can be read', async () => {
  await twoParts('by-part');
  const second = await door.alice.send('GET', '/parts/by-part', { query: { partNumber: '7' } });
  expect([second.status, second.text, second.headers['x-amz-mp-parts-count']]).toEqual([206, 'the end', '2']);
  expect(second.headers['content-range']).toBe(
    `bytes ${PART}-${PART + LAST.length - 1}/${PART + LAST.length}`,
  );
  const head = await door.alice.send('HEAD', '/parts/by-part', { query: { partNumber: '2' } });
  expect([head.status, head.headers['content-length']]).toEqual([206, String(PART)]);
  const third = await door.alice.send('GET', '/parts/by-part', { query: { partNumber: '3' } });
  expect([third.status, third.element('Code')]).toEqual([400, 'InvalidPart']);
  const both = await door.alice.send('GET', '/parts/by-part', {
    query: { partNumber: '1' },
    headers: { range: 'bytes=0-1' },
  });
  expect(both.element('Code')).toBe('InvalidRequest');
});

test('an empty part is read as nothing', async () => {
  const uploadId = await begin('empty-part');
  const parts: Done[] = [
    [1, etag(await part('empty-part', uploadId, 1, FIRST))],
    [2, etag(await part('empty-part', uploadId, 2, Buffer.alloc(0)))],
  ];
  await complete('empty-part', uploadId, parts);
  for (const method of ['GET', 'HEAD']) {
    const empty = await door.alice.send(method, '/parts/empty-part', { query: { partNumber: '2' } });
    expect([empty.status, empty.headers['content-length'], empty.text], method).toEqual([206, '0', '']);
    expect(empty.headers['x-amz-mp-parts-count']).toBe('2');
    expect(empty.headers['content-range']).toBeUndefined();
  }
});

test('what cannot be completed is refused by name', async () => {
  const uploadId = await begin('refused');
  const small = etag(await part('refused', uploadId, 1, LAST));
  const last = etag(await part('refused', uploadId, 2, LAST));
  const code = async (parts: readonly Done[], headers?: Record<string, string>) =>
    (await complete('refused', uploadId, parts, headers)).element('Code');
  expect(await code([])).toBe('MalformedXML');
  expect(await code([[3, small]])).toBe('InvalidPart');
  expect(await code([[1, '"0123"']])).toBe('InvalidPart');
  expect(
    await code([
      [2, last],
      [1, small],
    ]),
  ).toBe('InvalidPartOrder');
  expect(
    await code([
      [1, small],
      [2, last],
    ]),
  ).toBe('EntityTooSmall');
  expect(await code([[0, small]])).toBe('InvalidArgument');
  expect(await code([[1, small]], { 'x-amz-mp-object-size': '99' })).toBe('InvalidRequest');
  expect((await part('refused', uploadId, 0, LAST)).element('Code')).toBe('InvalidArgument');
  expect((await part('refused', uploadId, 10_001, LAST)).element('Code')).toBe('InvalidArgument');
  expect((await part('refused', 'no-such-upload', 1, LAST)).element('Code')).toBe('NoSuchUpload');
});

test('ten thousand parts with checksums fit into one request', async () => {
  const uploadId = await begin('many');
  const sha256 = `<ChecksumSHA256>${'A'.repeat(43)}=</ChecksumSHA256>`;
  const parts = Array.from({ length: 10_001 }, (_, n): Done => [n + 1, `"${'0'.repeat(32)}"`, sha256]);
  expect((await complete('many', uploadId, parts.slice(0, 10_000))).element('Code')).toBe('InvalidPart');
  expect((await complete('many', uploadId, parts)).element('Code')).toBe('InvalidArgument');
});

test('checksums of parts make the checksum of the object', async () => {
  for (const type of ['COMPOSITE', 'FULL_OBJECT']) {
    const key = `sums-${type}`;
    const uploadId = await begin(key, { 'x-amz-checksum-algorithm': 'CRC32', 'x-amz-checksum-type': type });
    const sums = [FIRST, LAST].map(crc32Of);
    const parts: Done[] = [];
    for (const [index, body] of [FIRST, LAST].entries()) {
      const sum = sums[index] ?? '';
      const reply = await part(key, uploadId, index + 1, body, { 'x-amz-checksum-crc32': sum });
      expect(reply.headers['x-amz-checksum-crc32']).toBe(sum);
      parts.push([index + 1, etag(reply), `<ChecksumCRC32>${sum}</ChecksumCRC32>`]);
    }
    const expected =
      type === 'FULL_OBJECT'
        ? crc32Of(Buffer.concat([FIRST, LAST]))
        : `${crc32Of(Buffer.concat(sums.map((sum) => Buffer.from(sum, 'base64'))))}-2`;
    const wrong = await complete(key, uploadId, parts, { 'x-amz-checksum-crc32': crc32Of(LAST) });
    expect(wrong.element('Code')).toBe('BadDigest');
    const done = await complete(key, uploadId, parts);
    expect([done.element('ChecksumCRC32'), done.element('ChecksumType')]).toEqual([expected, type]);
    const attributes = await door.alice.send('GET', `/parts/${key}`, {
      query: { attributes: '' },
      headers: { 'x-amz-object-attributes': 'ETag,Checksum,ObjectParts,StorageClass,ObjectSize' },
    });
    expect(attributes.element('PartsCount')).toBe('2');
    expect(attributes.element('ObjectSize')).toBe(String(PART + LAST.length));
    expect(attributes.elements('ChecksumCRC32')).toEqual([expected, ...sums]);
  }
});

test.each([
  [{ 'x-amz-checksum-type': 'COMPOSITE' }],
  [{ 'x-amz-checksum-algorithm': 'CRC64NVME', 'x-amz-checksum-type': 'COMPOSITE' }],
  [{ 'x-amz-checksum-algorithm': 'SHA256', 'x-amz-checksum-type': 'FULL_OBJECT' }],
])('an upload cannot have %j', async (headers) => {
  const reply = await door.alice.send('POST', '/parts/impossible', {
    query: { uploads: '' },
    headers: headers as Record<string, string>,
  });
  expect([reply.status, reply.element('Code')]).toEqual([400, 'InvalidRequest']);
});

test('parts and uploads are listed in pages', async () => {
  const { alice } = door;
  await alice.send('PUT', '/pages');
  const ids: string[] = [];
  for (const key of ['k1', 'k1', 'k2', 'dir/k3']) {
    const reply = await alice.send('POST', `/pages/${key}`, { query: { uploads: '' } });
    ids.push(reply.element('UploadId') ?? '');
  }
  const uploadId = ids[2] ?? '';
  for (const number of [1, 2, 4]) {
    await alice.send('PUT', '/pages/k2', {
      query: { partNumber: String(number), uploadId },
      body: `p${number}`,
    });
  }
  const first = await alice.send('GET', '/pages/k2', { query: { uploadId, 'max-parts': '2' } });
  expect(first.elements('PartNumber')).toEqual(['1', '2']);
  expect([first.element('IsTruncated'), first.element('NextPartNumberMarker')]).toEqual(['true', '2']);
  const second = await alice.send('GET', '/pages/k2', { query: { uploadId, 'part-number-marker': '2' } });
  expect([second.elements('PartNumber'), second.element('IsTruncated')]).toEqual([['4'], 'false']);
  expect(second.elements('DisplayName')).toEqual(['Alice', 'Alice']);

  const uploads = await alice.send('GET', '/pages', {
    query: { uploads: '', 'max-uploads': '2', delimiter: '/' },
  });
  expect([uploads.elements('Key'), uploads.elements('Prefix')]).toEqual([['k1'], ['', 'dir/']]);
  const rest = await alice.send('GET', '/pages', {
    query: {
      uploads: '',
      delimiter: '/',
      'key-marker': uploads.element('NextKeyMarker') ?? '',
      'upload-id-marker': uploads.element('NextUploadIdMarker') ?? '',
    },
  });
  expect(rest.elements('UploadId').slice(0)).toContain(ids[1]);
  expect(rest.elements('Key')).toEqual(['k1', 'k2']);
  expect(rest.element('IsTruncated')).toBe('false');
});

test('an aborted upload is gone', async () => {
  const uploadId = await begin('aborted');
  await part('aborted', uploadId, 1, LAST);
  const abort = () => door.alice.send('DELETE', '/parts/aborted', { query: { uploadId } });
  expect((await abort()).status).toBe(204);
  expect((await abort()).element('Code')).toBe('NoSuchUpload');
  const list = await door.alice.send('GET', '/parts/aborted', { query: { uploadId } });
  expect(list.element('Code')).toBe('NoSuchUpload');
});

test('only one of several completes may create the object', async () => {
  const attempts = await Promise.all(
    [1, 2, 3].map(async () => {
      const uploadId = await begin('single');
      const reply = await part('single', uploadId, 1, LAST);
      return complete('single', uploadId, [[1, etag(reply)]], { 'if-none-match': '*' });
    }),
  );
  expect(attempts.map(({ status }) => status).sort()).toEqual([200, 412, 412]);
});

test('parts are copied out of other objects', async () => {
  const { alice } = door;
  await alice.send('PUT', '/parts/source', { body: Buffer.concat([FIRST, LAST]) });
  const uploadId = await begin('copied');
  const copy = (number: number, range?: string, source = '/parts/source') =>
    alice.send('PUT', '/parts/copied', {
      query: { partNumber: String(number), uploadId },
      headers: {
        'x-amz-copy-source': source,
        ...(range === undefined ? {} : { 'x-amz-copy-source-range': range }),
      },
    });
  const one = await copy(1, `bytes=0-${PART - 1}`);
  const two = await copy(2, `bytes=${PART}-${PART + 2}`);
  expect([one.status, two.status]).toEqual([200, 200]);
  const parts: Done[] = [
    [1, one.element('ETag') ?? ''],
    [2, two.element('ETag') ?? ''],
  ];
  expect((await copy(3, 'bytes=0-')).element('Code')).toBe('InvalidArgument');
  expect((await copy(3, `bytes=0-${PART + 100}`)).element('Code')).toBe('InvalidRange');
  expect((await copy(3, undefined, '/parts/nothing')).element('Code')).toBe('NoSuchKey');
  expect((await complete('copied', uploadId, parts)).status).toBe(200);
  const got = await alice.send('GET', '/parts/copied');
  expect(got.body.equals(Buffer.concat([FIRST, LAST.subarray(0, 3)]))).toBe(true);
});
