import type { IncomingHttpHeaders } from 'node:http';
import { describe, expect, test } from 'vitest';
import type { Payload } from '../operation.js';
import { codeOf } from '../testing/code-of.js';
import { contentHeaders, objectAttributes } from './attributes.js';
import { checkBucketName } from './bucket-name.js';
import { bodyExpectation } from './checksums.js';
import { parseCopySource } from './copy-source.js';
import { etagList } from './etag.js';
import { decodeHeader, encodeHeader } from './header-text.js';
import { pageLimit, partNumber } from './numbers.js';
import { parseCopyRange, parseRange } from './range.js';
import { checkedTags, parseTaggingHeader } from './tags.js';
import { wholeSecondsXml } from './times.js';
import { decodeToken, encodeToken } from './tokens.js';

function payload(trailers: Readonly<Record<string, string>> = {}, sha256?: string): Payload {
  return {
    size_bytes: 0,
    sha256,
    body: async () => new Uint8Array(),
    stream: () => new Uint8Array(),
    text: async () => '',
    trailer: (name) => trailers[name],
  };
}

describe('ranges', () => {
  test.each([
    ['bytes=0-4', { start: 0, end: 4 }],
    ['bytes=5-', { start: 5 }],
    ['bytes=-3', { suffix: 3 }],
    ['bytes=-0', { suffix: 0 }],
    ['BYTES=1-1', { start: 1, end: 1 }],
    ['bytes=0-99999999999999999999', { start: 0, end: Number.MAX_SAFE_INTEGER }],
  ])('%s', (header, range) => {
    expect(parseRange(header)).toEqual(range);
  });

  test.each([undefined, 'bytes=-', 'bytes=4-2', 'bytes=0-1,3-4', 'lines=0-1', 'bytes=a-b', ''])(
    '%s means the whole object',
    (header) => {
      expect(parseRange(header)).toBeUndefined();
    },
  );

  test('a copy needs both ends', () => {
    expect(parseCopyRange('bytes=2-7')).toEqual({ start: 2, end: 7 });
    for (const bad of ['0-2', 'bytes=0', 'bytes=0-', 'bytes=-2', 'bytes=0-2,3-5', 'bytes=5-2']) {
      expect(codeOf(() => parseCopyRange(bad))).toBe('InvalidArgument');
    }
  });
});

describe('copy sources', () => {
  const parse = (source: string) => parseCopySource({ 'x-amz-copy-source': source });

  test.each([
    ['/b/k', { bucket: 'b', key: 'k' }],
    ['b/a/b%20c', { bucket: 'b', key: 'a/b c' }],
    ['b/a+b', { bucket: 'b', key: 'a+b' }],
    ['b%2Fk', { bucket: 'b', key: 'k' }],
    ['b//k', { bucket: 'b', key: '/k' }],
    ['b/k?versionId=v1', { bucket: 'b', key: 'k', version_id: 'v1' }],
    ['b/k%3FversionId=v1', { bucket: 'b', key: 'k?versionId=v1' }],
    ['b/k?x', { bucket: 'b', key: 'k?x' }],
    [Buffer.from('b/ключ').toString('latin1'), { bucket: 'b', key: 'ключ' }],
  ])('%s', (header, source) => {
    expect(parse(header)).toEqual(source);
  });

  test.each(['', '/', 'bucket', 'bucket/', 'b/%zz', 'b/%ff', 'b/k?versionId='])('refuses %j', (header) => {
    expect(codeOf(() => parse(header))).toBe('InvalidArgument');
  });
});

describe('header text', () => {
  test('UTF-8 comes and goes byte by byte', () => {
    const wire = Buffer.from('naïve – ключ').toString('latin1');
    expect(decodeHeader(wire)).toBe('naïve – ключ');
    expect(encodeHeader('naïve – ключ')).toBe(wire);
  });

  test('what is not UTF-8 is Latin-1', () => {
    expect(decodeHeader('caf\u00e9')).toBe('café');
  });
});

describe('attributes', () => {
  test('aws-chunked is framing, not encoding', () => {
    expect(contentHeaders({ 'content-encoding': 'aws-chunked' })).toEqual({});
    expect(contentHeaders({ 'content-encoding': 'aws-chunked,gzip' })).toEqual({ content_encoding: 'gzip' });
    expect(contentHeaders({ 'content-encoding': 'gzip' })).toEqual({ content_encoding: 'gzip' });
  });

  test('metadata of any name is only data', () => {
    const { metadata } = objectAttributes({ 'x-amz-meta-__proto__': 'x', 'x-amz-meta-a': '1' });
    expect(Object.entries(metadata ?? {})).toEqual([
      ['__proto__', 'x'],
      ['a', '1'],
    ]);
  });

  test('2 KiB of metadata are the most', () => {
    const headers = (bytes: number) => ({ 'x-amz-meta-k': 'v'.repeat(bytes - 1) });
    expect(codeOf(() => objectAttributes(headers(2048)))).toBe('none');
    expect(codeOf(() => objectAttributes(headers(2049)))).toBe('MetadataTooLarge');
  });

  test.each<[string, IncomingHttpHeaders, string]>([
    ['SSE-S3', { 'x-amz-server-side-encryption': 'AES256' }, 'NotImplemented'],
    ['SSE-KMS', { 'x-amz-server-side-encryption': 'aws:kms' }, 'NotImplemented'],
    ['an unknown method', { 'x-amz-server-side-encryption': 'aes:kms' }, 'InvalidArgument'],
    ['SSE-C without key', { 'x-amz-server-side-encryption-customer-algorithm': 'AES256' }, 'InvalidArgument'],
    ['a KMS key alone', { 'x-amz-server-side-encryption-aws-kms-key-id': 'k' }, 'InvalidArgument'],
    ['a public ACL', { 'x-amz-acl': 'public-read' }, 'NotImplemented'],
    ['an ACL that is none', { 'x-amz-acl': 'mine' }, 'InvalidArgument'],
    ['a grant', { 'x-amz-grant-read': 'id=x' }, 'NotImplemented'],
    ['a storage class that is none', { 'x-amz-storage-class': 'COLD' }, 'InvalidStorageClass'],
    ['a lock mode without date', { 'x-amz-object-lock-mode': 'GOVERNANCE' }, 'InvalidArgument'],
    ['the private ACL', { 'x-amz-acl': 'private' }, 'none'],
  ])('%s', (_name, headers, code) => {
    expect(codeOf(() => objectAttributes(headers))).toBe(code);
  });
});

describe('checksums of a body', () => {
  const CRC32 = 'DUoRhQ==';

  test('a trailer is read when it is asked for', () => {
    const headers = { 'x-amz-trailer': 'x-amz-checksum-crc32' };
    const { checksum } = bodyExpectation(headers, payload({ 'x-amz-checksum-crc32': CRC32 }));
    expect(checksum?.algorithm).toBe('CRC32');
    expect(checksum?.value?.()).toBe(CRC32);
  });

  test('Content-MD5 becomes hex', () => {
    const { md5 } = bodyExpectation({ 'content-md5': '1B2M2Y8AsgTpgAmY7PhCfg==' }, payload());
    expect(md5).toBe('d41d8cd98f00b204e9800998ecf8427e');
  });

  test.each<[string, IncomingHttpHeaders, string]>([
    ['MD5 that is none', { 'content-md5': 'rL0Y20zC+Fzt72VPzMSk2A' }, 'InvalidDigest'],
    ['a value of the wrong length', { 'x-amz-checksum-sha1': CRC32 }, 'BadDigest'],
    ['two values', { 'x-amz-checksum-crc32': CRC32, 'x-amz-checksum-crc32c': CRC32 }, 'InvalidRequest'],
    [
      'header and trailer',
      { 'x-amz-checksum-crc32': CRC32, 'x-amz-trailer': 'x-amz-checksum-crc32' },
      'InvalidRequest',
    ],
    [
      'another algorithm announced',
      { 'x-amz-checksum-crc32': CRC32, 'x-amz-sdk-checksum-algorithm': 'SHA1' },
      'InvalidRequest',
    ],
    ['an algorithm that is none', { 'x-amz-sdk-checksum-algorithm': 'ADLER' }, 'InvalidRequest'],
    ['one that is not supported', { 'x-amz-checksum-xxhash3': 'AAAA' }, 'NotImplemented'],
  ])('%s', (_name, headers, code) => {
    expect(codeOf(() => bodyExpectation(headers, payload()))).toBe(code);
  });
});

describe('tags', () => {
  test('the header is form-encoded', () => {
    expect(parseTaggingHeader('a=1&b%20c=%D1%8F&d', 10)).toEqual({ a: '1', 'b c': 'я', d: '' });
    expect(codeOf(() => parseTaggingHeader('a=1&a=2', 10))).toBe('InvalidArgument');
  });

  test.each([
    ['too many', Array.from({ length: 11 }, (_, n) => ({ key: `k${n}`, value: '' }))],
    ['a key too long', [{ key: 'k'.repeat(129), value: '' }]],
    ['a value too long', [{ key: 'k', value: 'v'.repeat(257) }]],
    ['an empty key', [{ key: '', value: 'v' }]],
    ['a system tag', [{ key: 'aws:x', value: 'v' }]],
    ['a character that is not allowed', [{ key: 'a<b', value: 'v' }]],
    [
      'the same key twice',
      [
        { key: 'k', value: '1' },
        { key: 'k', value: '2' },
      ],
    ],
  ])('refuses %s', (_name, tags) => {
    expect(codeOf(() => checkedTags(tags, 10))).toBe('InvalidTag');
  });

  test('any name is only data', () => {
    expect(Object.keys(checkedTags([{ key: '__proto__', value: 'x' }], 10))).toEqual(['__proto__']);
  });
});

describe('small ones', () => {
  test('times are shown in whole seconds, whatever the day', () => {
    for (const time of [
      0, 86_399_999, 86_400_000, 951_827_696_789, 1_700_000_000_000, 4_102_444_799_999, -1,
    ]) {
      const expected = new Date(Math.floor(time / 1000) * 1000).toISOString();
      expect(wholeSecondsXml(time)).toBe(expected);
    }
  });

  test.each([
    'ab',
    'A-bucket',
    'a..b',
    '-a-b',
    'a-b-',
    '192.168.5.4',
    'xn--abc',
    'abc-s3alias',
    'a_b_c',
    'a'.repeat(64),
  ])('no bucket is called %s', (name) => {
    expect(codeOf(() => checkBucketName(name))).toBe('InvalidBucketName');
  });

  test.each(['abc', 'my.bucket-1', '1.2.3.4.5', 'a'.repeat(63)])('a bucket may be called %s', (name) => {
    expect(codeOf(() => checkBucketName(name))).toBe('none');
  });

  test('entity tags', () => {
    expect(etagList('"a", W/"b",c, *')).toEqual(['a', 'b', 'c', '*']);
  });

  test('tokens hold any key and refuse what is forged', () => {
    for (const key of ['a', 'ключ/\u0001', '&<>"']) expect(decodeToken(encodeToken(key))).toBe(key);
    for (const bad of ['', 'abc', '!!', 'AQ='])
      expect(codeOf(() => decodeToken(bad))).toBe('InvalidArgument');
  });

  test('numbers', () => {
    expect(pageLimit('max-keys', undefined, 1000)).toBe(1000);
    expect(pageLimit('max-keys', '0', 1000)).toBe(0);
    expect(pageLimit('max-keys', '5000', 1000)).toBe(1000);
    for (const bad of ['blah', '-1', '1.5', '99999999999']) {
      expect(codeOf(() => pageLimit('max-keys', bad, 1000))).toBe('InvalidArgument');
    }
    expect(partNumber('10000', 10_000)).toBe(10_000);
    for (const bad of ['0', '10001', 'x', undefined]) {
      expect(codeOf(() => partNumber(bad, 10_000))).toBe('InvalidArgument');
    }
  });
});
