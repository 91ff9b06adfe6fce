import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readAll, utf8 } from '../../conformance/support/bytes.js';
import { failure } from '../../conformance/support/expect.js';
import { type Adapter, StoreError } from '../../contract/index.js';
import { PROVIDER_CAPABILITIES } from '../../s3/providers.js';
import { aroundCalls } from '../around.js';
import { type OverLocal, openOverLocal } from '../compression/testing/over-local.js';
import { type DecoratorOptions, decorated } from '../stack.js';

const bucket = 'bucket';
const KEY_BYTES_MAX = PROVIDER_CAPABILITIES.garage.key_bytes_max;
const encryption = {
  current: 'one',
  keys: new Map([['one', randomBytes(32)]]),
  records_bucket: 'sealed-records',
};

let opened: OverLocal;
/** It takes no longer keys than Garage does. */
let upstream: Adapter;
beforeAll(async () => {
  opened = await openOverLocal(bucket);
  upstream = aroundCalls(opened.local, async (_method, input, run) => {
    const { key = '' } = input as { readonly key?: string };
    if (Buffer.byteLength(key) > KEY_BYTES_MAX) throw new StoreError('invalid', 'the key is too long');
    return run(input);
  });
});
afterAll(() => opened.close());

const compression = () => {
  const spool = { folder: opened.folder, bytes_max: 1_000_000 };
  return { level: 1, spool, records_bucket: 'records' };
};
const STACKS: Readonly<Record<string, () => DecoratorOptions>> = {
  encryption: () => ({ encryption }),
  compression: () => ({ compression: compression() }),
  both: () => ({ compression: compression(), encryption }),
};

it.each(Object.keys(STACKS).flatMap((name) => [[name, 'SHA256'] as const, [name, 'CRC64NVME'] as const]))(
  '%s takes a part with its %s where keys are as short as in Garage',
  async (name, algorithm) => {
    const node = () => decorated(upstream, STACKS[name]?.() ?? {});
    const content = 'a part';
    const type = algorithm === 'SHA256' ? 'COMPOSITE' : 'FULL_OBJECT';
    const target = { bucket, key: `${name} ${algorithm}` };
    const { upload_id } = await (await node()).createUpload({ ...target, checksum: { algorithm, type } });
    const part = {
      ...target,
      upload_id,
      part_number: 10_000,
      body: utf8(content),
      size_bytes: content.length,
    };
    const { etag, checksum } = await (await node()).uploadPart(part);
    const other = await node();
    const { parts } = await other.listParts({ ...target, upload_id, limit: 10 });
    expect(parts).toMatchObject([
      { part_number: 10_000, etag, checksum: { algorithm }, size_bytes: content.length },
    ]);
    const named = [{ part_number: 10_000, etag, ...(checksum && { checksum }) }];
    await other.completeUpload({ ...target, upload_id, parts: named });
    const { body } = await (await node()).getObject(target);
    expect((await readAll(body)).toString()).toBe(content);
  },
);

it('a record that nobody of ours wrote is corrupt', async () => {
  const records_bucket = 'forged-records';
  const { spool } = compression();
  const store = await decorated(upstream, { compression: { level: 1, spool, records_bucket } });
  const { upload_id } = await store.createUpload({ bucket, key: 'forged' });
  const upload = { bucket, key: 'forged', upload_id };
  await store.uploadPart({ ...upload, part_number: 1, body: utf8('1'), size_bytes: 1 });
  const { entries } = await opened.local.listObjects({ bucket: records_bucket, limit: 10 });
  const [record = ''] = entries.flatMap((entry) => (entry.type === 'item' ? [entry.item.key] : []));
  const [folder, number, ...texts] = record.split('/');
  const written = Buffer.from(texts.join(''), 'base64url');
  // The head that was written, and what is JSON but not ours.
  const forgedBytes = ['null', '[]', '[1]'].map((text) =>
    Buffer.concat([written.subarray(0, written.lastIndexOf('[')), utf8(text)]),
  );
  for (const bytes of [utf8('[1,"x"]'), Buffer.alloc(0), new Uint8Array(200).fill(1), ...forgedBytes]) {
    const key = `${folder}/${number}/${Buffer.from(bytes).toString('base64url')}`;
    const forged = { bucket: records_bucket, key };
    await opened.local.putObject({ ...forged, body: new Uint8Array(0), size_bytes: 0 });
    await failure(store.listParts({ ...upload, limit: 1 }), 'corrupt');
    await opened.local.deleteObject(forged);
  }
  expect((await store.listParts({ ...upload, limit: 1 })).parts).toHaveLength(1);
});
