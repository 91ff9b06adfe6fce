import { describe, expect, it } from 'vitest';
import {
  canonicalQuery,
  canonicalRequest,
  credentialScope,
  EMPTY_SHA256,
  sha256Hex,
  sign,
  signatureChain,
  signatureEquals,
  signChunk,
  signingKey,
  signTrailer,
  stringToSign,
} from './sigv4.js';

// The worked examples of the S3 API reference: "Signature Calculations for the Authorization Header" (single and
// multiple chunks, trailing headers) and "Authenticating Requests: Using Query Parameters".
const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const TIMESTAMP = '20130524T000000Z';
const SCOPE = credentialScope('20130524', 'us-east-1', 's3');
const KEY = signingKey(SECRET, '20130524', 'us-east-1', 's3');

function signatureOf(
  method: string,
  path: string,
  query: string,
  headers: Record<string, string>,
  payload_hash: string,
): string {
  const canonical = canonicalRequest({
    method,
    path,
    query,
    signed_headers: Object.keys(headers).sort(),
    header: (name) => headers[name] ?? '',
    payload_hash,
  });
  return sign(KEY, stringToSign(TIMESTAMP, SCOPE, canonical));
}

const EXAMPLE_HOST = 'examplebucket.s3.amazonaws.com';
const common = { host: EXAMPLE_HOST, 'x-amz-date': TIMESTAMP, 'x-amz-content-sha256': EMPTY_SHA256 };

describe('the published examples', () => {
  it('GET Object', () => {
    expect(signatureOf('GET', '/test.txt', '', { ...common, range: 'bytes=0-9' }, EMPTY_SHA256)).toBe(
      'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    );
  });

  it('PUT Object', () => {
    const hash = sha256Hex('Welcome to Amazon S3.');
    const headers = {
      ...common,
      date: 'Fri, 24 May 2013 00:00:00 GMT',
      'x-amz-storage-class': 'REDUCED_REDUNDANCY',
      'x-amz-content-sha256': hash,
    };
    expect(signatureOf('PUT', '/test%24file.text', '', headers, hash)).toBe(
      '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
    );
  });

  it('GET Bucket Lifecycle', () => {
    const query = canonicalQuery([['lifecycle', '']]);
    expect(signatureOf('GET', '/', query, common, EMPTY_SHA256)).toBe(
      'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
    );
  });

  it('GET Bucket (List Objects)', () => {
    const query = canonicalQuery([
      ['prefix', 'J'],
      ['max-keys', '2'],
    ]);
    expect(signatureOf('GET', '/', query, common, EMPTY_SHA256)).toBe(
      '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
    );
  });

  it('a presigned GET Object', () => {
    const query = canonicalQuery([
      ['X-Amz-Algorithm', 'AWS4-HMAC-SHA256'],
      ['X-Amz-Credential', 'AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request'],
      ['X-Amz-Date', TIMESTAMP],
      ['X-Amz-Expires', '86400'],
      ['X-Amz-SignedHeaders', 'host'],
    ]);
    expect(signatureOf('GET', '/test.txt', query, { host: EXAMPLE_HOST }, 'UNSIGNED-PAYLOAD')).toBe(
      'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
    );
  });

  it('an upload in signed chunks', () => {
    const hash = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD';
    const seed = signatureOf(
      'PUT',
      '/examplebucket/chunkObject.txt',
      '',
      {
        host: 's3.amazonaws.com',
        'x-amz-date': TIMESTAMP,
        'x-amz-storage-class': 'REDUCED_REDUNDANCY',
        'x-amz-content-sha256': hash,
        'content-encoding': 'aws-chunked',
        'x-amz-decoded-content-length': '66560',
        'content-length': '66824',
      },
      hash,
    );
    expect(seed).toBe('4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9');
    const chain = signatureChain({ key: KEY, timestamp: TIMESTAMP, scope: SCOPE, seed });
    const chunks: [string, string][] = [
      ['a'.repeat(65536), 'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648'],
      ['a'.repeat(1024), '0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497'],
      ['', 'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9'],
    ];
    for (const [data, signature] of chunks) expect(chain.verifyChunk(signature, sha256Hex(data))).toBe(true);
  });

  it('a trailing header behind signed chunks', () => {
    const scope = { key: KEY, timestamp: TIMESTAMP, scope: SCOPE };
    const seed = '106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e';
    const first = signChunk(scope, seed, sha256Hex('a'.repeat(65536)));
    expect(first).toBe('b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2');
    const second = signChunk(scope, first, sha256Hex('a'.repeat(1024)));
    expect(second).toBe('1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7');
    const last = signChunk(scope, second, EMPTY_SHA256);
    expect(last).toBe('2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992');
    const trailer = 'd81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435';
    expect(signTrailer(scope, last, 'x-amz-checksum-crc32c:sOO8/Q==\n')).toBe(trailer);
    const chain = signatureChain({ ...scope, seed: last });
    expect(chain.verifyTrailer(trailer, 'x-amz-checksum-crc32c:sOO8/Q==\n')).toBe(true);
    expect(chain.verifyTrailer(trailer, 'x-amz-checksum-crc32c:sOO8/A==\n')).toBe(false);
  });
});

describe('canonical forms', () => {
  it('trims header values and makes runs of spaces one', () => {
    const canonical = canonicalRequest({
      method: 'GET',
      path: '/',
      query: '',
      signed_headers: ['host'],
      header: () => '  a   b  c ',
      payload_hash: 'x',
    });
    expect(canonical).toBe('GET\n/\n\nhost:a b c\n\nhost\nx');
  });

  it('sorts parameters by name, then by value, by code point', () => {
    const parameters = [
      ['b', ''],
      ['a', '2'],
      ['B', ''],
      ['a', '10'],
    ] as const;
    expect(canonicalQuery(parameters)).toBe('B=&a=10&a=2&b=');
  });
});

it('compares signatures', () => {
  const signature = sign(KEY, 'text');
  expect(signatureEquals(signature, signature)).toBe(true);
  expect(
    signatureEquals(
      signature,
      signature.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
    ),
  ).toBe(false);
  expect(signatureEquals(signature, signature.slice(1))).toBe(false);
  expect(signatureEquals(signature, '')).toBe(false);
  expect(signatureEquals('', '')).toBe(false);
});
