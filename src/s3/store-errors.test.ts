import { describe, expect, it } from 'vitest';
import { ERROR_KINDS, StoreError, type StoreErrorOptions } from '../../adapters/contract/index.js';
import { errorDocument, errorReply } from './error-reply.js';
import { S3Error } from './errors.js';
import { toS3Error } from './store-errors.js';

const SCENE = { bucket: 'b', key: 'k', version_id: undefined, upload_id: 'u', identity_id: 'me' };

function mapped(
  kind: (typeof ERROR_KINDS)[number],
  options: StoreErrorOptions = {},
  version_id?: string,
): S3Error {
  return toS3Error(new StoreError(kind, 'why', options), { ...SCENE, version_id });
}

it.each(ERROR_KINDS)('%s has an answer', (kind) => {
  const error = mapped(kind);
  expect(error.status).toBeGreaterThanOrEqual(300);
  expect(error.cause).toBeInstanceOf(StoreError);
});

describe('codes', () => {
  it.each([
    ['not_found', 'bucket', 'NoSuchBucket', 404],
    ['not_found', 'object', 'NoSuchKey', 404],
    ['not_found', 'version', 'NoSuchVersion', 404],
    ['not_found', 'upload', 'NoSuchUpload', 404],
    ['not_empty', 'bucket', 'BucketNotEmpty', 409],
    ['precondition_failed', 'object', 'PreconditionFailed', 412],
    ['invalid_part', 'upload', 'InvalidPart', 400],
    ['invalid_part_order', 'upload', 'InvalidPartOrder', 400],
    ['part_too_small', 'upload', 'EntityTooSmall', 400],
    ['locked', 'version', 'AccessDenied', 403],
    ['no_space', 'adapter', 'InsufficientStorage', 507],
    ['unsupported', 'adapter', 'NotImplemented', 501],
    ['corrupt', 'object', 'InternalError', 500],
    ['unexpected', 'adapter', 'InternalError', 500],
  ] as const)('%s of a %s', (kind, subject, code, status) => {
    const error = mapped(kind, { subject });
    expect([error.code, error.status]).toEqual([code, status]);
  });

  it('a limit of the storage has the code of that limit of S3', () => {
    const long = mapped('invalid', { detail: { key_bytes_max: 471 } });
    expect(long.code).toBe('KeyTooLongError');
    expect(long.fields).toEqual({ Size: 1, MaxSizeAllowed: 471 });
    expect(mapped('invalid', { detail: { code: 'InvalidTag' } }).code).toBe('InvalidTag');
    expect(mapped('invalid').code).toBe('InvalidArgument');
  });

  it.each([
    ['md5', 'BadDigest'],
    ['CRC32C', 'BadDigest'],
    ['sha256', 'XAmzContentSHA256Mismatch'],
    ['size', 'IncompleteBody'],
  ])('a body that differs in %s', (algorithm, code) => {
    expect(mapped('digest_mismatch', { subject: 'body', detail: { algorithm } }).code).toBe(code);
  });

  it('a bucket name that is taken, by oneself or by another', () => {
    expect(mapped('already_exists', { detail: { owner: 'me' } }).code).toBe('BucketAlreadyOwnedByYou');
    expect(mapped('already_exists', { detail: { owner: 'you' } }).code).toBe('BucketAlreadyExists');
  });

  it('asks to come back later', () => {
    for (const kind of ['throttled', 'unavailable'] as const) {
      const error = mapped(kind);
      expect([error.status, error.headers['retry-after']]).toEqual([503, '1']);
    }
  });

  it('tells the size with an unsatisfiable range', () => {
    const error = mapped('range_not_satisfiable', { detail: { size_bytes: 7 } });
    expect([error.code, error.status]).toEqual(['InvalidRange', 416]);
    expect(error.headers['content-range']).toBe('bytes */7');
    expect(error.fields.ActualObjectSize).toBe('7');
  });

  it('answers 404 for a latest version that is a marker, 405 for a marker asked for by its id', () => {
    const detail = { version_id: 'v', modified_at_ms: 0 };
    const latest = mapped('delete_marker', { detail });
    expect([latest.code, latest.status]).toEqual(['NoSuchKey', 404]);
    expect(latest.headers).toEqual({ 'x-amz-delete-marker': 'true', 'x-amz-version-id': 'v' });
    const named = mapped('delete_marker', { detail }, 'v');
    expect([named.code, named.status]).toEqual(['MethodNotAllowed', 405]);
    expect(named.headers).toEqual({
      'x-amz-delete-marker': 'true',
      'x-amz-version-id': 'v',
      allow: 'DELETE',
      'last-modified': 'Thu, 01 Jan 1970 00:00:00 GMT',
    });
  });

  it('says with a 304 what a 200 would have said', () => {
    const info = { etag: 'e', modified_at_ms: 0, version_id: 'v', headers: { cache_control: 'no-cache' } };
    const reply = errorReply(mapped('not_modified', { detail: { info } }), origin);
    expect(reply).toEqual({
      status: 304,
      headers: {
        etag: '"e"',
        'last-modified': 'Thu, 01 Jan 1970 00:00:00 GMT',
        'x-amz-version-id': 'v',
        'cache-control': 'no-cache',
      },
    });
  });
});

const origin = { resource: '/b/k', request_id: 'R', host_id: 'H' };

it('keeps S3 errors as they are and hides all others', () => {
  const own = new S3Error('InvalidTag');
  expect(toS3Error(own, SCENE)).toBe(own);
  const hidden = toS3Error(new Error('a path of this machine'), SCENE);
  expect(hidden.code).toBe('InternalError');
  expect(errorDocument(hidden, origin)).not.toContain('machine');
});

it('writes the error document of S3', () => {
  const error = new S3Error('NoSuchKey', { fields: { Key: 'a<b', Empty: undefined } });
  expect(errorDocument(error, origin)).toBe(
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code>' +
      '<Message>The specified key does not exist.</Message><Key>a&lt;b</Key>' +
      '<Resource>/b/k</Resource><RequestId>R</RequestId><HostId>H</HostId></Error>',
  );
});
