import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../config/limits.js';
import { codeOf } from './testing/code-of.js';
import { child, children, childText, escapeXml, parseXml, xml } from './xml.js';

describe('parseXml', () => {
  it('reads elements, text with white space, references and CDATA', () => {
    const root = parseXml(
      '<?xml version="1.0"?>\n<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><!-- c -->\n' +
        '<Object><Key> a&amp;b&#x1;&#10; </Key></Object><Object><Key><![CDATA[<&amp;]]>z</Key></Object>' +
        '<Quiet>007</Quiet></Delete>',
      'Delete',
    );
    expect(children(root, 'Object').map((object) => childText(object, 'Key'))).toEqual([
      ' a&b\u0001\n ',
      '<&amp;z',
    ]);
    expect(childText(root, 'Quiet')).toBe('007');
    expect(child(root, 'Missing')).toBeUndefined();
  });

  it('reads attributes and drops namespace prefixes', () => {
    const root = parseXml('<s3:Grant xsi:type="Canonical&lt;User"><s3:ID>1</s3:ID></s3:Grant>', 'Grant');
    expect(root.attributes.get('xsi:type')).toBe('Canonical<User');
    expect(childText(root, 'ID')).toBe('1');
  });

  it.each([
    ['nothing', ''],
    ['no XML', 'hello'],
    ['another root', '<B/>'],
    ['an open element', '<A>'],
    ['crossed elements', '<A><B></A></B>'],
    ['two roots', '<A/><A/>'],
    ['text behind the root', '<A/>x'],
    ['a document type', '<!DOCTYPE A><A/>'],
    ['a lower-case document type', '<!doctype A [<!ENTITY x "y">]><A>&x;</A>'],
    ['an unknown entity', '<A>&foo;</A>'],
    ['a lone ampersand', '<A>a & b</A>'],
    ['a reference to no character', '<A>&#x110000;</A>'],
    ['a reference to a surrogate', '<A>&#xD800;</A>'],
    ['a reference to NUL', '<A>&#0;</A>'],
    ['a prototype name', '<A><__proto__>x</__proto__></A>'],
    ['deep nesting', `<A>${'<B>'.repeat(5000)}${'</B>'.repeat(5000)}</A>`],
    ['a long document', `<A>${' '.repeat(LIMITS.xml_bytes_max)}</A>`],
  ])('refuses %s', (_, document) => {
    expect(codeOf(() => parseXml(document, 'A'))).toBe('MalformedXML');
  });

  it('keeps names that objects have as data', () => {
    const root = parseXml('<A><toString>1</toString><hasOwnProperty/></A>', 'A');
    expect(root.children).toHaveLength(2);
    expect(String(root)).toBe('[object Object]');
  });

  it('refuses an element that may stand once and stands twice', () => {
    const root = parseXml('<A><B/><B/></A>', 'A');
    expect(codeOf(() => child(root, 'B'))).toBe('MalformedXML');
  });
});

describe('xml', () => {
  it('writes nested elements, arrays and empty values in order', () => {
    const document = xml('ListBucketResult', {
      Name: 'b',
      Prefix: '',
      Marker: undefined,
      IsTruncated: false,
      MaxKeys: 2,
      Contents: [{ Key: 'a<b>&"c"' }, { Key: 'd' }],
      Owner: { ID: '1' },
      Empty: [],
    });
    expect(document).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n' +
        '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix></Prefix>' +
        '<IsTruncated>false</IsTruncated><MaxKeys>2</MaxKeys>' +
        '<Contents><Key>a&lt;b&gt;&amp;&quot;c&quot;</Key></Contents><Contents><Key>d</Key></Contents>' +
        '<Owner><ID>1</ID></Owner></ListBucketResult>',
    );
  });

  it('writes what can be read back', () => {
    const key = 'line\r\nbreak\ttab \u00e9 \u{1f600} ]]> &amp;';
    expect(childText(parseXml(xml('A', { Key: key }), 'A'), 'Key')).toBe(key);
  });

  it('replaces what XML 1.0 cannot carry', () => {
    expect(escapeXml('a\u0000b\u0001c\u001fd\uffffe\ud800f\u{1f600}')).toBe(
      'a\ufffdb\ufffdc\ufffdd\ufffde\ufffdf\u{1f600}',
    );
  });

  it('leaves the namespace out of error documents', () => {
    expect(xml('Error', { Code: 'X' }, { namespace: false })).toContain('<Error><Code>X</Code></Error>');
  });
});
