import { expect, it } from 'vitest';
import { failure } from '../../conformance/support/expect.js';
import type { PieceForm } from '../recoded/codec.js';
import { type CompressionCodecOptions, compressionCodec } from './codec.js';
import { compress } from './compress.js';
import { referenceOf } from './format.js';
import { tableBytes } from './members.js';
import { openOverLocal } from './testing/over-local.js';
import { textOf } from './testing/text.js';

it('a size that no table can be of is corrupt before a table is read', async () => {
  const codec = compressionCodec({ records_bucket: 'records' } as CompressionCodecOptions);
  const size_bytes = 2 ** 45;
  const count = 2 ** 25;
  const layout = { frame_shift: 20, frames_bytes: 9, table_bytes: tableBytes(count), stored_bytes: 2 ** 40 };
  const piece = { size_bytes, reference: referenceOf(layout, Buffer.alloc(6)) } as PieceForm;
  const reads: unknown[] = [];
  const locate = async () =>
    codec.locate(piece, { start: 0, end: 0 }, async (range) => {
      reads.push(range);
      return new Uint8Array(0);
    });
  await failure(locate(), 'corrupt');
  expect(reads).toEqual([]);
});

it('an object whose attributes nobody of ours wrote is corrupt, and hides no others', async () => {
  const bucket = 'bucket';
  const { local: upstream, folder, close } = await openOverLocal(bucket);
  const spool = { folder, bytes_max: 1_000_000 };
  const node = () => compress(upstream, { level: 1, spool, records_bucket: 'records' });
  try {
    const body = textOf(10_000);
    await (await node()).putObject({ bucket, key: 'ours', body, size_bytes: body.length });
    const { info } = await upstream.headObject({ bucket, key: 'ours' });
    const stored = new Uint8Array(info.size_bytes);
    for (const text of ['null', '{}', '[1]', '{"size_bytes":-1,"etag":""}', '{"size_bytes":"9","etag":""}']) {
      const digests = Buffer.from(text).toString('base64');
      const system = { ...info.system, 'compression-digests': digests };
      const forged = { bucket, key: 'forged', body: stored, size_bytes: stored.length };
      await upstream.putObject({ ...forged, attributes: { system } });
      const store = await node();
      await failure(store.headObject({ bucket, key: 'forged' }), 'corrupt');
      const { entries } = await store.listObjects({ bucket, limit: 10 });
      expect(entries.map((entry) => entry.type === 'item' && entry.item.size_bytes)).toEqual([
        stored.length,
        body.length,
      ]);
    }
  } finally {
    await close();
  }
});
