import { expect, it } from 'vitest';
import { readEvent } from './events.js';

/** As a MinIO of 2026 sends it to a listener, without the parts that nobody reads. */
function record(eventName: string, object: object = {}) {
  return {
    eventName,
    s3: {
      bucket: { name: 'photos' },
      object: { key: 'a b+ü%25', size: 5, eTag: '5d41402a', sequencer: '18EA7E63BB609864', ...object },
    },
    source: { host: '127.0.0.1', userAgent: 'MinIO (linux; x64) minio-js/8.0.7' },
  };
}

const typeOf = (eventName: string) => {
  const event = readEvent(record(eventName));
  return event === null || event === 'unknown' ? event : event.change.type;
};

it('a write carries the content, its exact time and who wrote it', () => {
  expect(readEvent(record('s3:ObjectCreated:Put'))).toEqual({
    change: {
      type: 'put',
      bucket: 'photos',
      key: 'a b+ü%25',
      version_id: 'null',
      etag: '5d41402a',
      size_bytes: 5,
      modified_at_ms: Date.parse('2026-11-22T22:26:08.271Z'),
    },
    user_agent: 'MinIO (linux; x64) minio-js/8.0.7',
  });
});

it('a delete carries its version and no content', () => {
  expect(readEvent(record('s3:ObjectRemoved:DeleteMarkerCreated', { versionId: 'v1' }))).toMatchObject({
    change: { type: 'delete_marker', version_id: 'v1', etag: '', size_bytes: 0, modified_at_ms: null },
  });
});

it('events are the changes that they mean', () => {
  expect(typeOf('s3:ObjectCreated:CompleteMultipartUpload')).toBe('put');
  expect(typeOf('s3:ObjectCreated:Copy')).toBe('put');
  expect(typeOf('s3:ObjectCreated:PutTagging')).toBe('metadata');
  expect(typeOf('s3:ObjectCreated:PutLegalHold')).toBe('metadata');
  expect(typeOf('s3:ObjectRemoved:Delete')).toBe('delete');
  expect(typeOf('s3:BucketCreated:*')).toBe('bucket_created');
  expect(typeOf('s3:BucketRemoved:*')).toBe('bucket_deleted');
});

it('what changes nothing is left out, and what nobody knows has everything compared', () => {
  expect(typeOf('s3:ObjectRemoved:NoOP')).toBeNull();
  expect(typeOf('s3:ObjectAccessed:Get')).toBeNull();
  expect(typeOf('s3:ObjectRemoved:DeleteAllVersions')).toBe('unknown');
  expect(typeOf('s3:ObjectCreated:SomethingNew')).toBe('unknown');
  expect(readEvent({})).toBe('unknown');
});
