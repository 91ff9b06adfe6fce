import type { IncomingHttpHeaders } from 'node:http';
import { describe, expect, it } from 'vitest';
import { detectOperation } from './detect.js';
import { NOT_IMPLEMENTED } from './not-implemented.js';
import { OPERATIONS } from './operations/index.js';
import { parseQuery } from './query.js';
import { bucketOfHost, readTarget } from './target.js';
import { codeOf } from './testing/code-of.js';
import { ALIASES, S3_MODEL } from './testing/s3-model.js';

const PATH_STYLE = bucketOfHost([]);

function detect(method: string, url: string, headers: IncomingHttpHeaders = {}): string {
  const { bucket, key, raw_query } = readTarget(url, 'localhost', PATH_STYLE);
  return detectOperation(method, bucket, key, parseQuery(raw_query), headers);
}

/** Operations that a client never names in a request of this shape: served by another kind of endpoint. */
const ELSEWHERE: ReadonlySet<string> = new Set(['ListDirectoryBuckets']);

describe('the model of the S3 API', () => {
  it.each(S3_MODEL)('$name is implemented or known not to be', ({ name }) => {
    const known = ALIASES.get(name) ?? name;
    expect([OPERATIONS.has(known), NOT_IMPLEMENTED.has(known)].filter(Boolean)).toHaveLength(1);
  });

  it.each(S3_MODEL.filter(({ name }) => !ELSEWHERE.has(name)))('$name is recognised', (operation) => {
    const [path = '', subresource = ''] = operation.uri.split('?');
    const url = path.replace('{Bucket}', 'bucket').replace('{Key+}', 'some/key');
    const query = [subresource, ...operation.query.map((name) => `${name}=1`)].filter(Boolean).join('&');
    const headers = Object.fromEntries(operation.headers.map((name) => [name, 'x']));
    const name = detect(operation.method, query === '' ? url : `${url}?${query}`, headers);
    expect(name).toBe(ALIASES.get(operation.name) ?? operation.name);
  });

  it('names nothing that is neither in the model nor a form or preflight request', () => {
    const model = new Set(S3_MODEL.map(({ name }) => name));
    const beyond = [...NOT_IMPLEMENTED, ...OPERATIONS.keys()].filter((name) => !model.has(name));
    expect(beyond.sort()).toEqual(['PostObject', 'PreflightRequest']);
  });
});

describe('detection', () => {
  it.each([
    ['GET', '/', 'ListBuckets'],
    ['GET', '/shards', 'ListObjects'],
    ['GET', '/b/?list-type=2&prefix=a', 'ListObjectsV2'],
    ['GET', '/b/k?versionId=1&partNumber=2', 'GetObject'],
    ['GET', '/b/k?x-id=GetObject&unheard-of=1', 'GetObject'],
    ['PUT', '/b/k?x-id=PutObject', 'PutObject'],
    ['GET', '/b?inventory', 'ListBucketInventoryConfigurations'],
    ['POST', '/b', 'PostObject'],
    ['OPTIONS', '/b/k', 'PreflightRequest'],
  ])('%s %s is %s', (method, url, name) => {
    expect(detect(method, url)).toBe(name);
  });

  it.each([
    // A subresource must never be passed over: this would delete the object.
    ['DELETE', '/b/k?retention'],
    ['DELETE', '/b/k?acl'],
    ['DELETE', '/b?versioning'],
    ['PUT', '/b/k?versioning'],
    ['GET', '/b?restore'],
    ['POST', '/b/k'],
    ['PATCH', '/b/k'],
    ['PUT', '/'],
    ['HEAD', '/'],
    ['PROPFIND', '/b'],
  ])('%s %s is not allowed', (method, url) => {
    expect(codeOf(() => detect(method, url))).toBe('MethodNotAllowed');
  });
});

describe('targets', () => {
  const hosted = bucketOfHost(['s3.example.test', 'other.test']);
  const read = (url: string, host = 'localhost:9001') => {
    const { bucket, key } = readTarget(url, host, hosted);
    return [bucket, key];
  };

  it.each([
    ['/', ['', '']],
    ['/b', ['b', '']],
    ['/b/', ['b', '']],
    ['/b/k', ['b', 'k']],
    ['/b//k//', ['b', '/k//']],
    ['/b/a%2Fb', ['b', 'a/b']],
    ['/b/a%252Fb', ['b', 'a%2Fb']],
    ['/b/a+b%20c', ['b', 'a+b c']],
    ['/b/%2E%2E/x', ['b', '../x']],
    ['/b/..x/.y/z..', ['b', '..x/.y/z..']],
    ['/shards/%E6%97%A5', ['shards', '日']],
  ])('%s', (url, expected) => {
    expect(read(url)).toEqual(expected);
  });

  it.each([
    ['/k', 'b.s3.example.test', ['b', 'k']],
    ['/', 'B.S3.example.test:9001', ['b', '']],
    ['//k', 'dotted.name.other.test', ['dotted.name', '/k']],
    ['/b/k', 's3.example.test', ['b', 'k']],
    ['/b/k', 'xs3.example.test', ['b', 'k']],
    ['/b/k', 'example.test', ['b', 'k']],
  ])('%s at %s', (url, host, expected) => {
    expect(read(url, host)).toEqual(expected);
  });

  it.each([
    ['http://localhost/b/k', 'BadRequest'],
    ['*', 'BadRequest'],
    ['/b/../c', 'BadRequest'],
    ['/b/./c', 'BadRequest'],
    ['/b/..', 'BadRequest'],
    ['/b/.', 'BadRequest'],
    ['/..', 'BadRequest'],
    ['/b/%', 'InvalidURI'],
    ['/b/%ff', 'InvalidURI'],
    ['/b/\u00e9', 'InvalidURI'],
    ['//b/k', 'InvalidURI'],
    ['/.state/k', 'InvalidBucketName'],
    ['/%2Estate', 'InvalidBucketName'],
    ['/a%2Fb/k', 'InvalidBucketName'],
    [`/b/${'k'.repeat(1025)}`, 'KeyTooLongError'],
    [`/b/${'%C3%A9'.repeat(513)}`, 'KeyTooLongError'],
  ])('%s is refused', (url, code) => {
    expect(codeOf(() => read(url))).toBe(code);
  });

  it('takes keys of 1,024 bytes', () => {
    expect(read(`/b/${'%C3%A9'.repeat(512)}`)).toEqual(['b', 'é'.repeat(512)]);
  });

  it('reserves names with a leading dot in hosts too', () => {
    expect(codeOf(() => read('/k', '.state.s3.example.test'))).toBe('InvalidBucketName');
  });
});

describe('queries', () => {
  it('decodes once and keeps the first of a repeated name', () => {
    const query = parseQuery('a=1&a=2&b&c=%252B+%2B&&=d');
    expect([query.get('a'), query.get('b'), query.get('c'), query.get('d')]).toEqual([
      '1',
      '',
      '%2B +',
      undefined,
    ]);
    expect([query.has('b'), query.has('z')]).toEqual([true, false]);
  });

  it('gives every parameter in the form that is signed', () => {
    expect(parseQuery('p=a/b&q=%2f%7E&r=x+y&flag').encoded).toEqual([
      ['p', 'a%2Fb'],
      ['q', '%2F~'],
      ['r', 'x%20y'],
      ['flag', ''],
    ]);
  });

  it.each([
    ['response-content-type=a%0D%0Ab', 'InvalidArgument'],
    ['response-expires=%0a', 'InvalidArgument'],
    ['prefix=%ff', 'InvalidURI'],
    ['prefix=%', 'InvalidURI'],
    ['prefix=%0A', 'none'],
  ])('%s', (raw, code) => {
    expect(codeOf(() => parseQuery(raw))).toBe(code);
  });
});
