import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LIMITS } from '../../../config/limits.js';
import { gatedStreamOf, readAll, streamOf } from '../../conformance/support/bytes.js';
import { failure, rejection } from '../../conformance/support/expect.js';
import type { Adapter } from '../../contract/index.js';
import { compress } from './compress.js';
import { openSpool } from './spool.js';
import { type OverLocal, openOverLocal } from './testing/over-local.js';
import { textOf } from './testing/text.js';

const bucket = 'bucket';
const MIB = 1024 ** 2;

let opened: OverLocal;
beforeAll(async () => {
  opened = await openOverLocal(bucket);
});
afterAll(() => opened.close());

const node = (bytes_max = 100_000_000): Promise<Adapter> =>
  compress(opened.local, {
    level: 1,
    spool: { folder: opened.folder, bytes_max },
    records_bucket: 'records',
  });
const put = (store: Adapter, key: string, content: Uint8Array) =>
  store.putObject({ bucket, key, body: streamOf(content), size_bytes: content.length });
const get = async (store: Adapter, key: string) => readAll((await store.getObject({ bucket, key })).body);
const stored = (key: string) => get(opened.local, key);

describe('the spool', () => {
  it('that cannot be read fails as storage does', async () => {
    const spool = await openSpool({ folder: join(opened.folder, 'unreadable'), bytes_max: 100 * MIB });
    const file = spool.begin();
    await file.write(Buffer.alloc(LIMITS.spool_memory_bytes_max + 1));
    const body = file.read();
    await file.close();
    await failure(readAll(body), 'unexpected');
    await spool.close();
  });

  it('has no room for what is larger than all of it: that goes up as it is', async () => {
    const store = await node(100_000);
    await put(store, 'too large', textOf(100_001));
    expect((await stored('too large')).equals(textOf(100_001))).toBe(true);
    const { upload_id } = await store.createUpload({ bucket, key: 'large part' });
    const upload = { bucket, key: 'large part', upload_id };
    const body = textOf(2 * MIB);
    const part = { part_number: 1, body: streamOf(body), size_bytes: body.length };
    const { etag } = await store.uploadPart({ ...upload, ...part });
    await store.completeUpload({ ...upload, parts: [{ part_number: 1, etag }] });
    expect(gunzipSync(await stored('large part')).equals(body)).toBe(true);
    expect((await get(await node(), 'large part')).equals(body)).toBe(true);
  });

  it('makes its folder again when something has cleaned it away', async () => {
    const store = await node();
    await rm(opened.folder, { recursive: true });
    const body = textOf(8 * MIB);
    await put(store, 'cleaned', body);
    expect(gunzipSync(await stored('cleaned')).equals(body)).toBe(true);
  });

  it('gives room back when a put is aborted, and leaves no file', async () => {
    const store = await node(5 * MIB);
    const body = textOf(4 * MIB);
    const finished: unknown[] = [];
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const controller = new AbortController();
    const gone = new Error('gone');
    const reached = new Promise<void>((resolve) => {
      const slow = gatedStreamOf(body.subarray(0, 3 * MIB), gate, body.subarray(3 * MIB), resolve);
      const { signal } = controller;
      const aborted = store.putObject({
        bucket,
        key: 'aborted',
        body: slow,
        size_bytes: body.length,
        signal,
      });
      void rejection(aborted).then((error) => finished.push(error));
    });
    await reached;
    const waiting = ['first', 'second'].map((key) => put(store, key, body).then(() => finished.push(key)));
    expect(finished).toEqual([]);
    controller.abort(gone);
    await Promise.all(waiting);
    open();
    expect(finished[0]).toBe(gone);
    expect(finished.slice(1).sort()).toEqual(['first', 'second']);
    expect(await readdir(opened.folder)).toEqual([]);
    await failure(store.headObject({ bucket, key: 'aborted' }), 'not_found');
    expect(gunzipSync(await stored('second')).equals(body)).toBe(true);
  });
});
