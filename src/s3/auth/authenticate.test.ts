import type { IncomingHttpHeaders } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { Credential } from '../../access/identity.js';
import {
  canonicalQuery,
  canonicalRequest,
  credentialScope,
  EMPTY_SHA256,
  sign,
  signingKey,
  stringToSign,
} from '../../wire/sigv4.js';
import { S3Error } from '../errors.js';
import { parseQuery } from '../query.js';
import { authenticate } from './authenticate.js';
import type { Authenticated, SignedRequest } from './request.js';
import { formatTimestamp } from './timestamp.js';

const OWNER: Credential = {
  access_key: 'AKIAIOSFODNN7EXAMPLE',
  secret_key: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  identity: { id: 'owner', name: 'o', display_name: 'O', email: null, is_root: false, policies: [] },
};
const NOW = Date.UTC(2013, 4, 24);
const HOST = 'examplebucket.s3.amazonaws.com';

interface Attempt {
  readonly method?: string;
  readonly path?: string;
  readonly query?: string;
  readonly headers: IncomingHttpHeaders;
  readonly any_region?: boolean;
  readonly now_ms?: number;
}

function attempt({
  method = 'GET',
  path = '/test.txt',
  query = '',
  headers,
  ...more
}: Attempt): Authenticated {
  const request: SignedRequest = {
    method,
    raw_path: path,
    query: parseQuery(query),
    headers,
    credentials: {
      findByAccessKey: (access_key) => (access_key === OWNER.access_key ? OWNER : undefined),
      findById: () => undefined,
    },
    region: 'us-east-1',
    any_region: more.any_region ?? false,
    now_ms: more.now_ms ?? NOW,
  };
  return authenticate(request);
}

function failureOf(input: Attempt): S3Error {
  try {
    attempt(input);
  } catch (error) {
    if (error instanceof S3Error) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

interface Signing {
  readonly method?: string;
  readonly path?: string;
  /** Encoded. */
  readonly query?: [string, string][];
  readonly extra?: Record<string, string>;
  readonly unsigned?: Record<string, string>;
  readonly at_ms?: number;
  readonly credential?: string;
  readonly secret?: string;
  readonly region?: string;
}

/** Headers of a request signed in the Authorization header. */
function signedHeaders(signing: Signing = {}): IncomingHttpHeaders {
  const timestamp = formatTimestamp(signing.at_ms ?? NOW);
  const day = timestamp.slice(0, 8);
  const region = signing.region ?? 'us-east-1';
  const scope = credentialScope(day, region, 's3');
  const headers: Record<string, string> = {
    host: HOST,
    'x-amz-date': timestamp,
    'x-amz-content-sha256': EMPTY_SHA256,
    ...signing.extra,
  };
  const names = Object.keys(headers).sort();
  const canonical = canonicalRequest({
    method: signing.method ?? 'GET',
    path: signing.path ?? '/test.txt',
    query: canonicalQuery(signing.query ?? []),
    signed_headers: names,
    header: (name) => headers[name] ?? '',
    payload_hash: headers['x-amz-content-sha256'] ?? '',
  });
  const key = signingKey(signing.secret ?? OWNER.secret_key, day, region, 's3');
  const signature = sign(key, stringToSign(timestamp, scope, canonical));
  const credential = signing.credential ?? `${OWNER.access_key}/${scope}`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  return { ...headers, ...signing.unsigned, authorization };
}

const PRESIGNED = {
  'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
  'X-Amz-Credential': 'AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request',
  'X-Amz-Date': '20130524T000000Z',
  'X-Amz-Expires': '86400',
  'X-Amz-SignedHeaders': 'host',
  'X-Amz-Signature': 'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
};

/** AWS's published presigned URL, with parameters changed or, when undefined, left out. */
function presigned(changes: Record<string, string | undefined> = {}): Attempt {
  const query = Object.entries({ ...PRESIGNED, ...changes })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
  return { query, headers: { host: HOST } };
}

describe('the Authorization header', () => {
  it("accepts AWS's published request", () => {
    const headers = {
      host: HOST,
      range: 'bytes=0-9',
      'x-amz-content-sha256': EMPTY_SHA256,
      'x-amz-date': '20130524T000000Z',
      authorization:
        'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,' +
        'SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,' +
        'Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    };
    expect(attempt({ headers }).identity.id).toBe('owner');
  });

  it('covers the raw path, so escapes of one key are different paths', () => {
    const paths = ['/b/a/b', '/b/a%2Fb', '/b/a%252Fb', '/b/a%2fb', '/b//a/b', '/b/a%20b', '/b/a%2Bb'];
    for (const signed of paths) {
      for (const sent of paths) {
        const headers = signedHeaders({ path: signed });
        if (sent === signed) expect(attempt({ path: sent, headers }).identity.id).toBe('owner');
        else expect(failureOf({ path: sent, headers }).code).toBe('SignatureDoesNotMatch');
      }
    }
  });

  it('accepts characters sent unescaped that the signer has escaped', () => {
    const headers = signedHeaders({ path: '/b/a%2B%28b%29' });
    expect(attempt({ path: '/b/a+(b)', headers }).identity.id).toBe('owner');
  });

  it('covers method, query and headers', () => {
    const signing: Signing = { query: [['prefix', 'a%2Fb']], extra: { 'x-amz-acl': 'private' } };
    const headers = signedHeaders(signing);
    expect(attempt({ query: 'prefix=a/b', headers }).identity.id).toBe('owner');
    for (const change of [
      { headers, query: 'prefix=a' },
      { headers, query: 'prefix=a/b&x' },
      { headers, query: 'prefix=a/b', method: 'PUT' },
      { headers: { ...headers, 'x-amz-acl': 'public-read' }, query: 'prefix=a/b' },
      { headers: { ...headers, host: 'other' }, query: 'prefix=a/b' },
    ]) {
      expect(failureOf(change).code).toBe('SignatureDoesNotMatch');
    }
  });

  it('tells what it has computed when the signature is wrong', () => {
    const error = failureOf({ headers: signedHeaders({ secret: 'wrong' }) });
    expect([error.code, error.status]).toEqual(['SignatureDoesNotMatch', 403]);
    expect(error.fields.StringToSign).toMatch(/^AWS4-HMAC-SHA256\n20130524T000000Z\n20130524\/us-east-1\/s3/);
    expect(error.fields.CanonicalRequest).toMatch(/^GET\n\/test\.txt\n\nhost:/);
    expect(error.fields.AWSAccessKeyId).toBe(OWNER.access_key);
    expect(String(error.fields.StringToSignBytes).slice(0, 11)).toBe('41 57 53 34');
  });

  it('takes the time from Date, and in the form of HTTP', () => {
    const date = 'Fri, 24 May 2013 00:00:00 GMT';
    const { 'x-amz-date': _, ...headers } = signedHeaders({ extra: { date } });
    // Signed with x-amz-date: only the time matters here, so the signature is compared and not the header missed.
    expect(failureOf({ headers }).code).toBe('SignatureDoesNotMatch');
    expect(attempt({ headers: signedHeaders({ extra: { 'x-amz-date': date } }) }).identity.id).toBe('owner');
  });

  it.each([
    [14, 'none'],
    [-14, 'none'],
    [16, 'RequestTimeTooSkewed'],
    [-16, 'RequestTimeTooSkewed'],
  ])('%i minutes of difference between the clocks: %s', (minutes, code) => {
    const noon = NOW + 12 * 3_600_000;
    const input = { headers: signedHeaders({ at_ms: noon }), now_ms: noon + minutes * 60_000 };
    if (code === 'none') expect(attempt(input).identity.id).toBe('owner');
    else expect(failureOf(input).code).toBe(code);
  });

  const { authorization = '' } = signedHeaders();
  it.each([
    [
      'an unknown access key',
      { credential: 'AKIANOBODY/20130524/us-east-1/s3/aws4_request' },
      'InvalidAccessKeyId',
      403,
    ],
    ['another region', { region: 'eu-west-1' }, 'AuthorizationHeaderMalformed', 400],
    [
      'another service',
      { credential: 'A/20130524/us-east-1/ec2/aws4_request' },
      'AuthorizationHeaderMalformed',
      400,
    ],
    [
      'another end of the scope',
      { credential: 'A/20130524/us-east-1/s3/aws5' },
      'AuthorizationHeaderMalformed',
      400,
    ],
    ['a short scope', { credential: 'A/20130524/us-east-1/s3' }, 'AuthorizationHeaderMalformed', 400],
    [
      'a date that is none',
      { credential: 'A/2013/us-east-1/s3/aws4_request' },
      'AuthorizationHeaderMalformed',
      400,
    ],
    [
      'another day',
      { credential: 'AKIAIOSFODNN7EXAMPLE/20130523/us-east-1/s3/aws4_request' },
      'AuthorizationHeaderMalformed',
      400,
    ],
    ['x-amz headers that are not signed', { unsigned: { 'x-amz-acl': 'private' } }, 'AccessDenied', 403],
    ['a session token', { unsigned: { 'x-amz-security-token': 't' } }, 'InvalidToken', 400],
  ] as [string, Signing, string, number][])('%s', (_, signing, code, status) => {
    const error = failureOf({ headers: signedHeaders(signing) });
    expect([error.code, error.status]).toEqual([code, status]);
  });

  it.each([
    [
      'a missing part',
      { authorization: authorization.replace(/, Signature=.*/, '') },
      'AuthorizationHeaderMalformed',
      400,
    ],
    ['an unsigned host', { authorization: authorization.replace('host;', '') }, 'AccessDenied', 403],
    ['an empty header', { authorization: '' }, 'AccessDenied', 403],
    ['version 2', { authorization: 'AWS AKIA:c2lnbmF0dXJl' }, 'InvalidRequest', 400],
    ['asymmetric version 4', { authorization: 'AWS4-ECDSA-P256-SHA256 Credential=x' }, 'InvalidRequest', 400],
    ['another scheme', { authorization: 'Bearer token' }, 'InvalidArgument', 400],
    ['no time', { 'x-amz-date': undefined }, 'AccessDenied', 403],
    ['a time that is none', { 'x-amz-date': 'Bad Date' }, 'AccessDenied', 403],
    ['no x-amz-content-sha256', { 'x-amz-content-sha256': undefined }, 'InvalidRequest', 400],
  ] as [string, IncomingHttpHeaders, string, number][])('%s', (_, change, code, status) => {
    const error = failureOf({ headers: { ...signedHeaders(), ...change } });
    expect([error.code, error.status]).toEqual([code, status]);
  });

  it('names the right region, and asks for none where a client looks for it', () => {
    const headers = signedHeaders({ region: 'eu-west-1' });
    expect(failureOf({ headers }).fields.Region).toBe('us-east-1');
    expect(attempt({ headers, any_region: true }).identity.id).toBe('owner');
  });
});

describe('presigned URLs', () => {
  it("accepts AWS's published one, until it expires", () => {
    expect(attempt(presigned()).identity.id).toBe('owner');
    const day_ms = 86_400_000;
    expect(attempt({ ...presigned(), now_ms: NOW + day_ms }).identity.id).toBe('owner');
    const expired = failureOf({ ...presigned(), now_ms: NOW + day_ms + 1 });
    expect([expired.code, expired.message]).toEqual(['AccessDenied', 'Request has expired']);
    expect(expired.fields.Expires).toBe('2013-05-25T00:00:00Z');
  });

  it('is not valid before its time', () => {
    expect(attempt({ ...presigned(), now_ms: NOW - 14 * 60_000 }).identity.id).toBe('owner');
    const early = failureOf({ ...presigned(), now_ms: NOW - 16 * 60_000 });
    expect([early.code, early.message]).toEqual(['AccessDenied', 'Request is not yet valid']);
  });

  it.each([
    ['no signature', { 'X-Amz-Signature': undefined }, 'AuthorizationQueryParametersError'],
    ['no date', { 'X-Amz-Date': undefined }, 'AuthorizationQueryParametersError'],
    ['no lifetime', { 'X-Amz-Expires': undefined }, 'AuthorizationQueryParametersError'],
    ['no algorithm', { 'X-Amz-Algorithm': undefined }, 'AuthorizationQueryParametersError'],
    ['another algorithm', { 'X-Amz-Algorithm': 'AWS4-HMAC-SHA512' }, 'AuthorizationQueryParametersError'],
    ['a lifetime that is no number', { 'X-Amz-Expires': '1h' }, 'AuthorizationQueryParametersError'],
    ['a negative lifetime', { 'X-Amz-Expires': '-1' }, 'AccessDenied'],
    ['more than a week', { 'X-Amz-Expires': '604801' }, 'AuthorizationQueryParametersError'],
    ['a date that is none', { 'X-Amz-Date': '20130231T000000Z' }, 'AuthorizationQueryParametersError'],
    ['a broken credential', { 'X-Amz-Credential': 'A' }, 'AuthorizationQueryParametersError'],
    ['another signature', { 'X-Amz-Signature': 'a'.repeat(64) }, 'SignatureDoesNotMatch'],
    ['another lifetime', { 'X-Amz-Expires': '604800' }, 'SignatureDoesNotMatch'],
    ['one more parameter', { 'response-content-type': 'text%2Fhtml' }, 'SignatureDoesNotMatch'],
    ['an unsigned host', { 'X-Amz-SignedHeaders': 'range' }, 'AccessDenied'],
    [
      'an unknown access key',
      { 'X-Amz-Credential': 'NOBODY%2F20130524%2Fus-east-1%2Fs3%2Faws4_request' },
      'InvalidAccessKeyId',
    ],
    ['a session token', { 'X-Amz-Security-Token': 't' }, 'InvalidToken'],
  ] as [string, Record<string, string | undefined>, string][])('%s', (_, changes, code) => {
    expect(failureOf(presigned(changes)).code).toBe(code);
  });

  it('refuses x-amz headers that the URL does not cover', () => {
    const input = { ...presigned(), headers: { host: HOST, 'x-amz-acl': 'public-read' } };
    expect(failureOf(input).code).toBe('AccessDenied');
  });

  it('may not be mixed with the header', () => {
    const error = failureOf({ ...presigned(), headers: signedHeaders() });
    expect([error.code, error.status]).toEqual(['InvalidArgument', 400]);
  });

  it('refuses version 2', () => {
    const query = 'AWSAccessKeyId=AKIA&Expires=1&Signature=x';
    expect(failureOf({ query, headers: { host: HOST } }).code).toBe('InvalidRequest');
  });
});

it('takes a request that claims nothing for anonymous', () => {
  expect(attempt({ query: 'prefix=a', headers: { host: HOST } })).toMatchObject({
    identity: { id: '', is_root: false },
    payload_hash: 'UNSIGNED-PAYLOAD',
    chunk_seed: undefined,
  });
});
