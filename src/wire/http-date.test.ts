import { expect, it } from 'vitest';
import { formatHttpDate, formatIsoDate, parseHttpDate, parseIsoDate } from './http-date.js';

const TIME = Date.UTC(1994, 10, 6, 8, 49, 37);
const NOW = Date.UTC(2024, 0, 1);

it('writes the preferred form of RFC 9110', () => {
  expect(formatHttpDate(TIME + 999)).toBe('Sun, 06 Nov 1994 08:49:37 GMT');
  expect(formatHttpDate(TIME)).toBe('Sun, 06 Nov 1994 08:49:37 GMT');
  expect(formatHttpDate(0)).toBe('Thu, 01 Jan 1970 00:00:00 GMT');
});

it.each(['Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994'])(
  'reads %j',
  (text) => {
    expect(parseHttpDate(text, NOW)).toBe(TIME);
  },
);

it('places two-digit years at most 50 years ahead', () => {
  expect(parseHttpDate('Sunday, 06-Nov-74 08:49:37 GMT', NOW)).toBe(Date.UTC(2074, 10, 6, 8, 49, 37));
  expect(parseHttpDate('Sunday, 06-Nov-75 08:49:37 GMT', NOW)).toBe(Date.UTC(1975, 10, 6, 8, 49, 37));
});

it.each([
  '',
  'yesterday',
  'Sun, 31 Feb 1994 08:49:37 GMT',
  'Sun, 06 Nov 1994 24:49:37 GMT',
  'Sun, 06 Foo 1994 08:49:37 GMT',
  'Sun, 06 Nov 1994 08:49:37 CET',
  '1994-11-06T08:49:37Z',
])('refuses %j', (text) => {
  expect(parseHttpDate(text, NOW)).toBeUndefined();
});

it('reads and writes ISO 8601', () => {
  expect(formatIsoDate(TIME)).toBe('1994-11-06T08:49:37.000Z');
  expect(parseIsoDate('1994-11-06T08:49:37Z')).toBe(TIME);
  expect(parseIsoDate('1994-11-06T08:49:37.123456Z')).toBe(TIME + 123);
  expect(parseIsoDate('1994-13-06T08:49:37Z')).toBeUndefined();
  expect(parseIsoDate('1994-11-06')).toBeUndefined();
});
