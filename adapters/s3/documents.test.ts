import { expect, test } from 'vitest';
import { bucketOfDocument } from './documents.js';

test.each([
  ['documents/photos/policy', 'photos'],
  ['documents/photos@6f0c/policy', 'photos'],
  ['documents/photos@6f0c/', undefined],
  ['documents/photos', undefined],
  ['buckets/photos/1', undefined],
  ['other/documents/photos/policy', undefined],
])('%s tells of the bucket %s', (path, bucket) => {
  expect(bucketOfDocument(path)).toBe(bucket);
});
