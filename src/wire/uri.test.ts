import { expect, it } from 'vitest';
import {
  decodeQueryPart,
  decodeUri,
  encodeUriComponent,
  encodeUriPath,
  escapeRawPath,
  isCanonical,
} from './uri.js';

it('encodes as AWS does', () => {
  expect(encodeUriComponent("a/b c+d~e!'()*\u00e9")).toBe('a%2Fb%20c%2Bd~e%21%27%28%29%2A%C3%A9');
  expect(encodeUriPath('a/b c//é')).toBe('a/b%20c//%C3%A9');
});

it.each([
  '',
  'plain',
  'a%2Fb',
  "all of !'()*;:@&=+$,/?#[]%",
  '\u0000\u001f',
  '日本語',
  '\u{1f600}',
  'a//b/../c',
])('decodes what it encodes: %j', (text) => {
  expect(decodeUri(encodeUriComponent(text))).toBe(text);
  expect(decodeUri(encodeUriPath(text))).toBe(text);
  expect(isCanonical(encodeUriComponent(text))).toBe(true);
});

it.each([
  '%',
  '%2',
  '%zz',
  'a%%20',
  '%ff',
  '%c3',
  '%c3%28',
  '%ed%a0%80',
  '%c0%af',
  '%f5%80%80%80',
  'caf\u00e9',
])('refuses %j', (raw) => {
  expect(decodeUri(raw)).toBeUndefined();
});

it('decodes once, and takes a plus for a space in queries only', () => {
  expect(decodeUri('a%252Fb')).toBe('a%2Fb');
  expect(decodeUri('a+b')).toBe('a+b');
  expect(decodeQueryPart('a+b%2B')).toBe('a b+');
});

it('knows what is not in canonical form', () => {
  for (const raw of ['a/b', 'a+b', '%2f', '%41', '%7E', '%2D', '%5f', '%', '%4'])
    expect(isCanonical(raw)).toBe(false);
});

it('escapes what was sent unescaped and leaves escapes alone', () => {
  expect(escapeRawPath('/b/a+b(c)%2F%2f$')).toBe('/b/a%2Bb%28c%29%2F%2f%24');
});
