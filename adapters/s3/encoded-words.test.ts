import { expect, it } from 'vitest';
import { decodeWords } from './encoded-words.js';

it.each([
  ['=?UTF-8?q?bleu_p=C3=A2le?=', 'bleu pâle'],
  ['=?UTF-8?Q?=E6=97=A5?= =?UTF-8?Q?=E6=9C=AC?=', '日本'],
  ['=?utf-8?B?w7xiZXI=?=', 'über'],
  ['plain', 'plain'],
  ['', ''],
  ['a =?UTF-8?q?b?=', 'a =?UTF-8?q?b?='],
  ['=?ISO-8859-1?q?=E4?=', '=?ISO-8859-1?q?=E4?='],
])('%s is %s', (value, text) => {
  expect(decodeWords(value)).toBe(text);
});
