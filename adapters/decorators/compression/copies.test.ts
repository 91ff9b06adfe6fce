import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readAll } from '../../conformance/support/bytes.js';
import { failure } from '../../conformance/support/expect.js';
import type { Adapter } from '../../contract/index.js';
import { aroundCalls } from '../around.js';
import { compress } from './compress.js';
import { type OverLocal, openOverLocal } from './testing/over-local.js';
import { textOf } from './testing/text.js';

const bucket = 'bucket';
const TEXT = textOf(2_000_000);
const KEPT = { replace_attributes: false, replace_tags: false };

let opened: OverLocal;
beforeAll(async () => {
  opened = await openOverLocal(bucket);
});
afterAll(() => opened.close());

/** A node that has just been started: it remembers nothing. */
const node = (upstream: Adapter = opened.local): Promise<Adapter> =>
  compress(upstream, {
    level: 1,
    spool: { folder: opened.folder, bytes_max: 100_000_000 },
    records_bucket: 'records',
  });
const put = (store: Adapter, key: string, body: Uint8Array, more = {}) =>
  store.putObject({ bucket, key, body, size_bytes: body.length, ...more });

describe('copies of what is compressed', () => {
  it('are of what the conditions on the source were held against, also when it has parts', async () => {
    const store = await node();
    const { upload_id } = await store.createUpload({ bucket, key: 'parts' });
    const upload = { bucket, key: 'parts', upload_id };
    const { etag } = await store.uploadPart({
      ...upload,
      part_number: 1,
      body: TEXT,
      size_bytes: TEXT.length,
    });
    const info = await store.completeUpload({ ...upload, parts: [{ part_number: 1, etag }] });
    let replace = false;
    const watched = aroundCalls(opened.local, async (method, input, run) => {
      const result = await run(input);
      if (method === 'headObject' && replace) {
        replace = false;
        await put(await node(), 'parts', textOf(9_000));
      }
      return result;
    });
    const copier = await node(watched);
    await copier.headObject({ bucket, key: 'parts' });
    replace = true;
    const source = { bucket, key: 'parts', condition: { if_match: [info.etag] } };
    const copied = copier.copyObject({ source, bucket, key: 'copy', ...KEPT });
    await failure(copied, 'precondition_failed');
    await failure(store.headObject({ bucket, key: 'copy' }), 'not_found');
  });

  it('leave clients the room that an upstream has for metadata, as uploads do', async () => {
    const store = await node();
    const attributes = { metadata: { long: 'x'.repeat(1_900) } };
    const { etag, checksum } = await put(store, 'described', TEXT, { attributes });
    await store.copyObject({ source: { bucket, key: 'described' }, bucket, key: 'described too', ...KEPT });
    for (const key of ['described', 'described too']) {
      const { metadata, system } = (await opened.local.headObject({ bucket, key })).info;
      expect(JSON.stringify([metadata, system]).length).toBeLessThan(2_000);
      const other = await node();
      expect((await other.headObject({ bucket, key })).info).toMatchObject({ etag, checksum });
      expect((await readAll((await other.getObject({ bucket, key })).body)).equals(TEXT)).toBe(true);
    }
  });
});
