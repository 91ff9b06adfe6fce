import { describe, expect, it } from 'vitest';
import { parseXml, XmlError } from './xml.js';

const BYTES_MAX = 1024 ** 2;

/** A comment is nothing to the reader of simple documents, so the library reads the whole. */
const withComment = (document: string) => document.replace(/(?=<\/[^>]*>\s*$)/, '<!-- c -->');

const outcome = (document: string): unknown => {
  try {
    return parseXml(document, 'A', BYTES_MAX);
  } catch (error) {
    if (error instanceof XmlError) return 'refused';
    throw error;
  }
};

describe('simple documents', () => {
  it.each([
    '<A></A>',
    '<A>x</A>',
    ' <A>x</A>\n',
    '<?xml version="1.0"?><A>x</A>',
    '<?xml version="1.0" encoding="UTF-8"?>\n<A xmlns="http://s3.amazonaws.com/doc/2006-03-01/">\n <B> 1 </B>\n</A>\n',
    '<A><B>1</B>text<B xmlns="x">2<C>3</C></B><D2></D2></A>',
    '<A><B>&quot;a&#x1;&#10;&lt;&amp;&apos;</B></A>',
    '<A><B>\u{1f600} \t"\'=/?!</B></A>',
    '<A>a & b</A>',
    '<A>&foo;</A>',
    '<A>&amp</A>',
    '<A>x > y</A>',
    '<A>]]></A>',
    '<A>1\r\n2\r3</A>',
    '<A><B>1</A></B>',
    '<A><B></A>',
    '<A></B></A>',
    '<A></A></A>',
    '<B></B>',
    'x<A></A>',
    '<?xml version="1.1"?><A></A>',
    '<A xmlns="a&lt;b"></A>',
    "<A xmlns='x' b='y'></A>",
    '<A ></A >',
    `${'<A>'.repeat(30)}${'</A>'.repeat(30)}`,
  ])('are read as the library reads them: %s', (document) => {
    expect(outcome(document)).toEqual(outcome(withComment(document)));
  });

  it.each(['<A></A>x', '<A></A><A></A>', '<A>', '', ' ', '<A'])(
    'are refused when broken: "%s"',
    (document) => {
      expect(outcome(document)).toBe('refused');
    },
  );
});
