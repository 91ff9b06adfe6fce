import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestDoor, type TestDoor } from '../testing/test-door.js';

let door: TestDoor;
beforeAll(async () => {
  door = await startTestDoor();
  await door.alice.send('PUT', '/box');
});
afterAll(() => door.stop());

function crc32Of(text: string): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(text));
  return bytes.toString('base64');
}

function md5Of(text: string): string {
  return createHash('md5').update(text).digest('base64');
}

const ETAG_OF_HELLO = '"5d41402abc4b2a76b9719d911017c592"';

describe('put, get and head', () => {
  test('bytes and headers come back as they went', async () => {
    const { alice } = door;
    const headers = {
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-cache',
      'content-disposition': 'attachment; filename="a.txt"',
      'content-encoding': 'aws-chunked,gzip',
      'content-language': 'de',
      expires: 'Tue, 01 Jan 2030 00:00:00 GMT',
      'x-amz-meta-colour': Buffer.from('grün').toString('latin1'),
      'x-amz-meta-__proto__': 'x',
      'x-amz-storage-class': 'STANDARD_IA',
      'x-amz-website-redirect-location': '/elsewhere',
    };
    const put = await alice.send('PUT', '/box/full', {
      headers: { ...headers, 'x-amz-tagging': 'a=1&b=2' },
      body: 'hello',
    });
    expect([put.status, put.headers.etag]).toEqual([200, ETAG_OF_HELLO]);
    expect(put.headers['x-amz-checksum-type']).toBe('FULL_OBJECT');
    expect(put.headers['x-amz-checksum-crc64nvme']).toMatch(/^[\w+/]{11}=$/);
    for (const method of ['GET', 'HEAD']) {
      const got = await alice.send(method, '/box/full');
      expect(got.status).toBe(200);
      expect(got.text).toBe(method === 'GET' ? 'hello' : '');
      expect(got.headers).toMatchObject({
        ...headers,
        'content-encoding': 'gzip',
        'content-length': '5',
        'accept-ranges': 'bytes',
        etag: ETAG_OF_HELLO,
        'x-amz-tagging-count': '2',
      } as Record<string, string>);
    }
  });

  test('an object without a type has the default one, and no checksum unless it is asked for', async () => {
    const { alice } = door;
    await alice.send('PUT', '/box/plain', { body: 'hello' });
    const plain = await alice.send('GET', '/box/plain');
    expect(plain.headers['content-type']).toBe('binary/octet-stream');
    expect(plain.headers['x-amz-checksum-crc64nvme']).toBeUndefined();
    const asked = await alice.send('HEAD', '/box/plain', { headers: { 'x-amz-checksum-mode': 'ENABLED' } });
    expect(asked.headers['x-amz-checksum-crc64nvme']).toMatch(/=$/);
  });

  test('an empty object is an object', async () => {
    const { alice } = door;
    expect((await alice.send('PUT', '/box/empty')).status).toBe(200);
    const got = await alice.send('GET', '/box/empty');
    expect([got.status, got.body.length, got.headers['content-length']]).toEqual([200, 0, '0']);
  });

  test('slashes, dots and odd characters are part of the key', async () => {
    const { alice } = door;
    const keys = ['a', 'a/', 'a/b', 'a//b', '/lead', 'x/..', '\u0001', 'a+b c%2F', 'ключ', '&<>"'];
    for (const key of keys) {
      const path = `/box/odd/${key}`;
      const put = key.endsWith('..') ? undefined : await alice.send('PUT', path, { body: key });
      if (put !== undefined) expect(put.status, key).toBe(200);
    }
    for (const key of keys.filter((each) => !each.endsWith('..'))) {
      expect((await alice.send('GET', `/box/odd/${key}`)).text).toBe(key);
    }
    await alice.send('DELETE', '/box/odd/a');
    expect((await alice.send('GET', '/box/odd/a/b')).text).toBe('a/b');
  });

  test('what is not there has its own codes', async () => {
    const { alice } = door;
    expect((await alice.send('GET', '/box/nothing')).element('Code')).toBe('NoSuchKey');
    expect((await alice.send('GET', '/no-such-bucket/key')).element('Code')).toBe('NoSuchBucket');
    const head = await alice.send('HEAD', '/box/nothing');
    expect([head.status, head.body.length]).toEqual([404, 0]);
  });
});

describe('ranges', () => {
  beforeAll(async () => {
    await door.alice.send('PUT', '/box/range', { body: '0123456789' });
  });

  test.each([
    ['bytes=2-4', 206, '234', 'bytes 2-4/10'],
    ['bytes=7-', 206, '789', 'bytes 7-9/10'],
    ['bytes=-3', 206, '789', 'bytes 7-9/10'],
    ['bytes=-30', 206, '0123456789', 'bytes 0-9/10'],
    ['bytes=8-99', 206, '89', 'bytes 8-9/10'],
    ['bytes=0-1,4-5', 200, '0123456789', undefined],
    ['bytes=5-2', 200, '0123456789', undefined],
    ['nonsense', 200, '0123456789', undefined],
  ])('%s', async (range, status, text, contentRange) => {
    const got = await door.alice.send('GET', '/box/range', { headers: { range } });
    expect([got.status, got.text, got.headers['content-range']]).toEqual([status, text, contentRange]);
    expect(got.headers['content-length']).toBe(String(text.length));
  });

  test.each(['bytes=10-', 'bytes=-0'])('%s is beyond the object', async (range) => {
    const got = await door.alice.send('GET', '/box/range', { headers: { range } });
    expect([got.status, got.element('Code')]).toEqual([416, 'InvalidRange']);
    expect(got.headers['content-range']).toBe('bytes */10');
  });

  test('an empty object has no ranges', async () => {
    await door.alice.send('PUT', '/box/range-empty');
    const got = await door.alice.send('GET', '/box/range-empty', { headers: { range: 'bytes=0-' } });
    expect(got.status).toBe(416);
  });

  test('If-Range with another ETag gives the whole object', async () => {
    const headers = { range: 'bytes=0-1', 'if-range': '"other"' };
    const whole = await door.alice.send('GET', '/box/range', { headers });
    expect([whole.status, whole.text]).toEqual([200, '0123456789']);
    const current = { ...headers, 'if-range': whole.headers.etag ?? '' };
    expect((await door.alice.send('GET', '/box/range', { headers: current })).text).toBe('01');
  });
});

describe('response overrides', () => {
  test('replace headers of a signed request only', async () => {
    const { alice } = door;
    await alice.send('PUT', '/box/override', { body: 'x', headers: { 'cache-control': 'no-store' } });
    const query = { 'response-content-type': 'text/x', 'response-cache-control': 'max-age=1' };
    const got = await alice.send('GET', '/box/override', { query });
    expect([got.headers['content-type'], got.headers['cache-control']]).toEqual(['text/x', 'max-age=1']);
  });

  test('cannot smuggle a header', async () => {
    const query = { 'response-content-type': 'text/x\r\nset-cookie: a=b' };
    const got = await door.alice.send('GET', '/box/override', { query });
    expect([got.status, got.element('Code')]).toEqual([400, 'InvalidArgument']);
  });
});

describe('conditions', () => {
  beforeAll(async () => {
    await door.alice.send('PUT', '/box/cond', { body: 'hello' });
  });
  const PAST = 'Sat, 01 Jan 2000 00:00:00 GMT';

  test.each([
    [{ 'if-match': ETAG_OF_HELLO }, 200],
    [{ 'if-match': '"x", "y"' }, 412],
    [{ 'if-none-match': ETAG_OF_HELLO }, 304],
    [{ 'if-none-match': '"x"' }, 200],
    [{ 'if-modified-since': PAST }, 200],
    [{ 'if-unmodified-since': PAST }, 412],
    [{ 'if-match': ETAG_OF_HELLO, 'if-unmodified-since': PAST }, 200],
  ])('a read with %j', async (headers, status) => {
    const got = await door.alice.send('GET', '/box/cond', { headers: headers as Record<string, string> });
    expect(got.status).toBe(status);
    if (status === 304) expect([got.body.length, got.headers.etag]).toEqual([0, ETAG_OF_HELLO]);
  });

  test('one of many writers wins', async () => {
    const { alice } = door;
    const writers = Array.from({ length: 12 }, (_, n) =>
      alice.send('PUT', '/box/once', { headers: { 'if-none-match': '*' }, body: `writer ${n}` }),
    );
    const replies = await Promise.all(writers);
    const winners = replies.flatMap(({ status }, n) => (status === 200 ? [n] : []));
    expect(winners).toHaveLength(1);
    expect(replies.filter(({ status }) => status === 412)).toHaveLength(11);
    expect((await alice.send('GET', '/box/once')).text).toBe(`writer ${winners[0]}`);
  });

  test('If-Match guards replacement and deletion', async () => {
    const { alice } = door;
    const put = await alice.send('PUT', '/box/guarded', { body: 'one' });
    const stale = { headers: { 'if-match': '"stale"' } };
    const refused = await alice.send('PUT', '/box/guarded', { ...stale, body: 'two' });
    expect([refused.status, refused.element('Condition')]).toEqual([412, 'If-Match']);
    expect((await alice.send('DELETE', '/box/guarded', stale)).status).toBe(412);
    const current = { headers: { 'if-match': put.headers.etag ?? '' } };
    expect((await alice.send('PUT', '/box/guarded', { ...current, body: 'two' })).status).toBe(200);
    expect((await alice.send('DELETE', '/box/guarded', current)).status).toBe(412);
    const missing = await alice.send('PUT', '/box/never-there', { ...stale, body: 'x' });
    expect([missing.status, missing.element('Code')]).toEqual([404, 'NoSuchKey']);
  });
});

describe('digests', () => {
  test.each([
    ['content-md5', md5Of('hello'), 200, undefined],
    ['content-md5', md5Of('other'), 400, 'BadDigest'],
    ['content-md5', 'short', 400, 'InvalidDigest'],
    ['x-amz-checksum-crc32', crc32Of('hello'), 200, undefined],
    ['x-amz-checksum-crc32', crc32Of('other'), 400, 'BadDigest'],
    ['x-amz-checksum-crc32', '!!', 400, 'BadDigest'],
    ['x-amz-content-sha256', '0'.repeat(64), 400, 'XAmzContentSHA256Mismatch'],
  ])('%s: %s', async (header, value, status, code) => {
    const key = `/box/digest-${Math.random()}`;
    const put = await door.alice.send('PUT', key, { headers: { [header]: value }, body: 'hello' });
    expect([put.status, put.element('Code')]).toEqual([status, code]);
    expect((await door.alice.send('HEAD', key)).status).toBe(status === 200 ? 200 : 404);
  });

  test('the checksum that the client chose is kept', async () => {
    const { alice } = door;
    const value = crc32Of('hello');
    await alice.send('PUT', '/box/crc', { headers: { 'x-amz-checksum-crc32': value }, body: 'hello' });
    const head = await alice.send('HEAD', '/box/crc', { headers: { 'x-amz-checksum-mode': 'ENABLED' } });
    expect(head.headers['x-amz-checksum-crc32']).toBe(value);
  });
});

describe('deleting', () => {
  const remove = (body: string, headers: Record<string, string> = { 'content-md5': md5Of(body) }) =>
    door.alice.send('POST', '/box', { query: { delete: '' }, headers, body });

  test('several at once, with what failed beside what did not', async () => {
    const { alice } = door;
    for (const key of ['d1', 'd2', 'd3']) await alice.send('PUT', `/box/${key}`, { body: key });
    const body =
      '<Delete><Object><Key>d1</Key></Object><Object><Key>d2</Key><ETag>"stale"</ETag></Object>' +
      '<Object><Key>never</Key></Object></Delete>';
    const reply = await remove(body);
    expect(reply.elements('Key')).toEqual(['d1', 'never', 'd2']);
    expect(reply.element('Code')).toBe('PreconditionFailed');
    expect((await alice.send('HEAD', '/box/d2')).status).toBe(200);
    const quiet = await remove('<Delete><Quiet>true</Quiet><Object><Key>d2</Key></Object></Delete>');
    expect([quiet.status, quiet.elements('Key')]).toEqual([200, []]);
  });

  test('needs a digest, but any will do', async () => {
    const body = '<Delete><Object><Key>d3</Key></Object></Delete>';
    const bare = await remove(body, {});
    expect([bare.status, bare.element('Code')]).toEqual([400, 'InvalidRequest']);
    expect((await remove(body, { 'x-amz-checksum-crc32': crc32Of(body) })).status).toBe(200);
    expect((await remove(body, { 'x-amz-checksum-crc32': crc32Of('x') })).element('Code')).toBe('BadDigest');
  });

  test('a thousand are the most', async () => {
    const many = (count: number) =>
      `<Delete><Quiet>true</Quiet>${Array.from({ length: count }, (_, n) => `<Object><Key>m${n}</Key></Object>`).join('')}</Delete>`;
    expect((await remove(many(1000))).status).toBe(200);
    expect((await remove(many(1001))).element('Code')).toBe('MalformedXML');
  });
});
