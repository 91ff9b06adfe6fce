import { expect, it } from 'vitest';
import { escapeDotSegments } from './dot-segments.js';

it.each([
  ['/bucket/..', '/bucket/%2E%2E'],
  ['/bucket/./a/../../b', '/bucket/%2E/a/%2E%2E/%2E%2E/b'],
  ['/bucket/.../.a/b./..c', '/bucket/.../.a/b./..c'],
  ['/bucket//.', '/bucket//%2E'],
])('%s is sent as %s', (path, sent) => {
  expect(escapeDotSegments(path)).toBe(sent);
});
