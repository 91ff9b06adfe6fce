import { expect, test } from 'vitest';
import { manifestEncoder, type PartRecord } from './content-records.js';
import { decodeObject, encodeObject, NO_TAG, type ObjectRecord } from './records.js';

const plain: ObjectRecord = {
  delete_marker: false,
  null_version: true,
  sequence: 2 ** 40 + 5,
  tag: NO_TAG,
  modified_at_ms: 1_700_000_000_123,
  size_bytes: 5 * 1024 ** 4,
  md5: '0123456789abcdef0123456789abcdef',
  parts_count: null,
  content: 'blob',
  codec: 'plain',
  blob_id: null,
  sha256: 'f'.repeat(64),
  manifest_id: 0,
  checksum: { algorithm: 'CRC64NVME', type: 'FULL_OBJECT', value: Buffer.alloc(8, 7).toString('base64') },
  retention: null,
  legal_hold: false,
  owner: 'someone',
  storage_class: 'STANDARD',
  headers: {},
  metadata: {},
  system: {},
  tags: {},
};

const copyOf = (bytes: Buffer): Buffer => Buffer.from(bytes);

test.each([
  ['a plain object', plain],
  ['an encrypted object', { ...plain, codec: 'sealed', blob_id: 'ab'.repeat(32) } satisfies ObjectRecord],
  ['a small compressed object', { ...plain, content: 'small', codec: 'packed' } satisfies ObjectRecord],
  ['a delete marker of a version', { ...marker(), null_version: false, tag: '00112233445566aa' }],
  [
    'everything at once',
    {
      ...plain,
      null_version: false,
      tag: 'ffeeddccbbaa9988',
      parts_count: 10_000,
      content: 'manifest',
      manifest_id: 77,
      sha256: null,
      checksum: { algorithm: 'SHA256', type: 'COMPOSITE', value: Buffer.alloc(32, 9).toString('base64') },
      retention: { mode: 'COMPLIANCE', until_ms: 4_000_000_000_000 },
      legal_hold: true,
      headers: { content_type: 'text/plain', expires: 'later', website_redirect_location: '/ä' },
      metadata: { ['__proto__']: 'data', name: 'wert ✓' },
      system: { big: 'x'.repeat(40_000) },
      tags: { '': '', key: 'value' },
    } satisfies ObjectRecord,
  ],
] as const)('%s comes back as it was', (_title, record) => {
  expect(decodeObject(copyOf(encodeObject(record)))).toEqual(record);
});

function marker(): ObjectRecord {
  const nothing = { md5: '0'.repeat(32), size_bytes: 0, sha256: null, checksum: null, storage_class: '' };
  return { ...plain, ...nothing, delete_marker: true, content: 'empty' };
}

test('a manifest of ten thousand parts comes back as it was', () => {
  const parts = Array.from(
    { length: 10_000 },
    (_, index): PartRecord => ({
      part_number: index + 1,
      size_bytes: 5 * 1024 ** 3,
      md5: index.toString(16).padStart(32, '0'),
      modified_at_ms: 1_700_000_000_000 + index,
      content: 'blob',
      codec: 'plain',
      blob_id: null,
      sequence: index,
      sha256: index.toString(16).padStart(64, '0'),
      checksum: { algorithm: 'CRC32', type: 'FULL_OBJECT', value: 'AAAAAA==' },
    }),
  );
  expect(manifestEncoder.decode(copyOf(manifestEncoder.encode(parts)))).toEqual(parts);
});
