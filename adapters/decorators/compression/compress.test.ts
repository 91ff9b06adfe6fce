import { createHash, randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytesOf, readAll, streamOf, utf8 } from '../../conformance/support/bytes.js';
import { failure } from '../../conformance/support/expect.js';
import type { Adapter, ListEntry, ObjectInfo } from '../../contract/index.js';
import { forwarding } from '../../forwarding.js';
import { aroundCalls } from '../around.js';
import { decorated } from '../stack.js';
import { type CompressionOptions, compress } from './compress.js';
import { type OverLocal, openOverLocal } from './testing/over-local.js';
import { textOf } from './testing/text.js';

const bucket = 'bucket';
const MIB = 1024 ** 2;
const NOTHING = new Uint8Array(0);
const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');

let opened: OverLocal;
/** The upstream as S3 is: its listings show no attributes. */
let upstream: Adapter;
let calls: string[] = [];
beforeAll(async () => {
  opened = await openOverLocal(bucket);
  const bare = <Info extends ObjectInfo>(info: Info): Info => ({ ...info, system: {}, checksum: null });
  const lists: Adapter = {
    ...forwarding(opened.local),
    async listObjects(input) {
      const { entries, next } = await opened.local.listObjects(input);
      const shown = (entry: ListEntry<ObjectInfo>): ListEntry<ObjectInfo> =>
        entry.type === 'item' ? { type: 'item', item: bare(entry.item) } : entry;
      return { entries: entries.map(shown), next };
    },
  };
  upstream = aroundCalls(lists, (method, input, run) => {
    calls.push(method);
    return run(input);
  });
});
afterAll(() => opened.close());

/** A node that has just been started: it remembers nothing. */
function node(more: Partial<CompressionOptions> = {}, bytes_max = 100_000_000): Promise<Adapter> {
  const spool = { folder: opened.folder, bytes_max };
  return compress(upstream, { level: 1, spool, records_bucket: 'records', ...more });
}

const put = (store: Adapter, key: string, content: Uint8Array, more = {}) =>
  store.putObject({ bucket, key, body: streamOf(content), size_bytes: content.length, ...more });
const get = async (store: Adapter, key: string, more = {}) =>
  readAll((await store.getObject({ bucket, key, ...more })).body);
const stored = (key: string) => get(opened.local, key);

async function callsOf(work: () => Promise<unknown>): Promise<string[]> {
  calls = [];
  await work();
  return calls;
}

const TEXT = textOf(3 * MIB + 12_345);

describe('compression', () => {
  it('stores a gzip file, and shows the plaintext to a node that knows nothing of the write', async () => {
    const info = await put(await node(), 'text', TEXT);
    const file = await stored('text');
    expect(file.length).toBeLessThan(TEXT.length / 2);
    expect(gunzipSync(file).equals(TEXT)).toBe(true);
    expect(info).toMatchObject({ etag: md5(TEXT), size_bytes: TEXT.length, parts_count: null });
    const other = await node();
    expect((await other.headObject({ bucket, key: 'text' })).info).toEqual(info);
    expect((await get(other, 'text')).equals(TEXT)).toBe(true);
  });

  it('reads a range out of the frames that it touches', async () => {
    await put(await node(), 'ranges', TEXT);
    let asked_bytes = 0;
    const watched = aroundCalls(upstream, (_method, input, run) => {
      const { range } = input as { range?: { start: number; end: number } };
      if (range !== undefined) asked_bytes += range.end - range.start + 1;
      return run(input);
    });
    const spool = { folder: opened.folder, bytes_max: 1 };
    const other = await compress(watched, { level: 1, spool, records_bucket: 'records' });
    const borders = [0, 1, MIB - 1, MIB, MIB + 1, 2 * MIB, 3 * MIB - 1, 3 * MIB, TEXT.length - 1];
    for (const start of borders) {
      for (const end of borders.filter((at) => at >= start)) {
        const range = { start, end };
        const read = await get(other, 'ranges', { range });
        expect(read.equals(TEXT.subarray(start, end + 1)), `${start}-${end}`).toBe(true);
      }
    }
    const file_bytes = (await stored('ranges')).length;
    asked_bytes = 0;
    await get(other, 'ranges', { range: { start: MIB + 5, end: MIB + 6 } });
    expect(asked_bytes).toBeLessThan(file_bytes / 2);
    expect((await get(other, 'ranges', { range: { suffix: 9 } })).equals(TEXT.subarray(-9))).toBe(true);
  });

  it('finds every change of what is stored', async () => {
    const store = await node();
    await put(store, 'damaged', TEXT);
    const file = await stored('damaged');
    const { system } = (await opened.local.headObject({ bucket, key: 'damaged' })).info;
    const flipped = (at: number) => {
      const copy = Buffer.from(file);
      copy[at] = (copy[at] ?? 0) ^ 1;
      return copy;
    };
    const second = file.readUInt32LE(16);
    const swapped = Buffer.concat([
      file.subarray(second, second + file.readUInt32LE(second + 16)),
      file.subarray(0, second),
      file.subarray(second + file.readUInt32LE(second + 16)),
    ]);
    const damages = [
      flipped(3),
      flipped(17),
      flipped(5_000),
      flipped(second - 3),
      swapped,
      file.subarray(0, -1),
    ];
    for (const [index, damaged] of damages.entries()) {
      await put(opened.local, 'damaged', damaged, { attributes: { system } });
      await failure(get(await node(), 'damaged'), 'corrupt');
      const verified = await (await node()).verifyObject({ bucket, key: 'damaged' });
      expect(verified.intact, `damage ${index}`).toBe(false);
    }
    // The table stands before the trailer, which has 141 bytes.
    for (const before of [1, 12, 20]) {
      const table = flipped(file.length - 141 - before);
      await put(opened.local, 'damaged', table, { attributes: { system } });
      await failure(get(await node(), 'damaged', { range: { start: 5, end: MIB } }), 'corrupt');
    }
  });

  it('never takes more memory than a frame has, whatever the bytes would grow to', async () => {
    const zeros = Buffer.alloc(8 * MIB);
    await put(await node(), 'bomb', zeros);
    const file = await stored('bomb');
    expect(file.length).toBeLessThan(100_000);
    // Says that it is one frame of a few bytes.
    const { system } = (await opened.local.headObject({ bucket, key: 'bomb' })).info;
    const digests = JSON.parse(Buffer.from(system['compression-digests'] ?? '', 'base64').toString());
    const lie = Buffer.from(JSON.stringify({ ...digests, size_bytes: 10_000 })).toString('base64');
    const attributes = { system: { ...system, 'compression-digests': lie } };
    await put(opened.local, 'bomb', file, { attributes });
    await failure(get(await node(), 'bomb'), 'corrupt');
  });

  it('leaves as they are: compressed types, small bodies, and what does not shrink', async () => {
    const store = await node();
    const png = { attributes: { headers: { content_type: 'image/png' } } };
    const encoded = { attributes: { headers: { content_encoding: 'gzip' } } };
    const noise = bytesOf(1, 2 * MIB);
    const deceiving = Buffer.concat([textOf(80_000), noise]);
    const left: [string, Uint8Array, object][] = [
      ['image', TEXT, png],
      ['encoded', TEXT, encoded],
      ['small', utf8('a'.repeat(4_000)), {}],
      ['noise', noise, {}],
      ['deceiving', deceiving, {}],
    ];
    for (const [key, content, more] of left) {
      const info = await put(store, key, content, more);
      expect((await stored(key)).equals(content), key).toBe(true);
      expect((await opened.local.headObject({ bucket, key })).info, key).toEqual(info);
      expect((await get(store, key)).equals(content), key).toBe(true);
    }
    const wrong = { expect: { md5: '0'.repeat(32) } };
    for (const content of [noise, deceiving, TEXT]) {
      await failure(put(store, 'refused', content, wrong), 'digest_mismatch', 'body');
    }
    await failure(store.headObject({ bucket, key: 'refused' }), 'not_found');
    expect(await readdir(opened.folder)).toEqual([]);
  });

  it('reads what is compressed, and compresses no more, with level 0', async () => {
    await put(await node(), 'old', TEXT);
    const ended = await node({ level: 0 });
    expect((await get(ended, 'old')).equals(TEXT)).toBe(true);
    await put(ended, 'new', TEXT);
    expect((await stored('new')).equals(TEXT)).toBe(true);
  });

  it('passes on what others wrote, at no cost, and sees when it becomes another', async () => {
    const content = bytesOf(3, 100_000);
    await put(opened.local, 'theirs', content);
    const store = await node();
    const range = { start: 10, end: 20 };
    const { etag } = (await store.headObject({ bucket, key: 'theirs' })).info;
    expect(await callsOf(() => get(store, 'theirs'))).toEqual(['getObject']);
    expect(await callsOf(() => get(store, 'theirs', { range }))).toEqual(['getObject']);
    const condition = { if_none_match: [etag] };
    expect(await callsOf(() => failure(get(store, 'theirs', { condition }), 'not_modified'))).toEqual([
      'getObject',
    ]);
    await put(await node(), 'theirs', TEXT);
    expect((await get(store, 'theirs', { range })).equals(TEXT.subarray(10, 21))).toBe(true);
    const ours = { if_match: [md5(TEXT)] };
    await put(opened.local, 'theirs', content);
    await get(store, 'theirs');
    await put(await node(), 'theirs', TEXT);
    expect((await get(store, 'theirs', { condition: ours })).equals(TEXT)).toBe(true);
  });

  it('asks for each listed object once', async () => {
    const writer = await node();
    for (let index = 0; index < 5; index += 1) await put(writer, `listed/${index}`, textOf(20_000 + index));
    await put(opened.local, 'listed/theirs', utf8('theirs'));
    const store = await node();
    const sizes = async () => {
      const { entries } = await store.listObjects({ bucket, prefix: 'listed/', limit: 10 });
      return entries.map((entry) => (entry.type === 'item' ? entry.item.size_bytes : 0));
    };
    const heads = (made: readonly string[]) => made.filter((method) => method === 'headObject').length;
    const expected = [20_000, 20_001, 20_002, 20_003, 20_004, 6];
    expect(heads(await callsOf(async () => expect(await sizes()).toEqual(expected)))).toBe(6);
    expect(heads(await callsOf(async () => expect(await sizes()).toEqual(expected)))).toBe(0);
  });

  it('lists what was replaced as it is now, leaves out what vanished, and what cannot be read hides nothing', async () => {
    const writer = await node();
    for (const key of ['race/a', 'race/b', 'race/c', 'race/d']) await put(writer, key, textOf(9_000));
    const { system } = (await opened.local.headObject({ bucket, key: 'race/c' })).info;
    const stale = await upstream.listObjects({ bucket, prefix: 'race/', limit: 10 });
    await put(writer, 'race/a', textOf(7_000));
    await opened.local.deleteObject({ bucket, key: 'race/b' });
    await put(opened.local, 'race/c', utf8('broken'), { attributes: { system } });
    const late: Adapter = { ...forwarding(upstream), listObjects: async () => stale };
    const spool = { folder: opened.folder, bytes_max: 1 };
    const store = await compress(late, { level: 1, spool, records_bucket: 'records' });
    const { entries } = await store.listObjects({ bucket, prefix: 'race/', limit: 10 });
    const shown = entries.flatMap((entry) => (entry.type === 'item' ? [entry.item] : []));
    expect(shown.map(({ key, size_bytes, etag }) => [key, size_bytes, etag])).toEqual([
      ['race/a', 7_000, md5(textOf(7_000))],
      ['race/c', expect.any(Number), expect.stringMatching(/-1$/)],
      ['race/d', 9_000, md5(textOf(9_000))],
    ]);
  });

  it('copies what is stored, and a copy is readable by itself', async () => {
    await put(await node(), 'source', TEXT);
    const source = { bucket, key: 'source' };
    const how = { replace_attributes: false, replace_tags: false, checksum_algorithm: 'SHA256' } as const;
    const made = await callsOf(async () => {
      const { info } = await (await node()).copyObject({ source, bucket, key: 'copy', ...how });
      const value = createHash('sha256').update(TEXT).digest('base64');
      expect(info).toMatchObject({ etag: md5(TEXT), size_bytes: TEXT.length, checksum: { value } });
    });
    expect(made).toContain('copyObject');
    expect(made).not.toContain('putObject');
    expect((await stored('copy')).equals(await stored('source'))).toBe(true);
    await opened.local.deleteObject(source);
    expect((await get(await node(), 'copy')).equals(TEXT)).toBe(true);
  });

  it('tells of changes what clients wrote, and no MD5 of what is gone', async () => {
    const from = (await opened.local.readChanges({ after: null, limit: 10_000 })).cursor;
    const writer = await node();
    await put(writer, 'changed', textOf(8_000));
    await put(writer, 'changed', textOf(6_000));
    const { changes } = await (await node()).readChanges({ after: from, limit: 10 });
    expect(changes.map(({ etag }) => etag)).toEqual([expect.stringMatching(/-1$/), md5(textOf(6_000))]);
    expect(changes[1]?.size_bytes).toBe(6_000);
  });

  it('parts are as long upstream as it wants them, and any node reads them', async () => {
    const contents = [textOf(5 * MIB + 77), bytesOf(9, 5 * MIB), textOf(30_000)];
    const store = await node();
    const { upload_id } = await store.createUpload({ bucket, key: 'parts' });
    const upload = { bucket, key: 'parts', upload_id };
    const parts = [];
    for (const [index, body] of contents.entries()) {
      const part = { part_number: index + 1, body: streamOf(body), size_bytes: body.length };
      const { etag } = await (await node()).uploadPart({ ...upload, ...part });
      expect(etag).toBe(md5(body));
      parts.push({ part_number: index + 1, etag });
    }
    const info = await (await node()).completeUpload({ ...upload, parts });
    const whole = Buffer.concat(contents);
    expect(info.size_bytes).toBe(whole.length);
    const file = await stored('parts');
    expect(file.length).toBeLessThan(whole.length);
    expect(gunzipSync(file).equals(whole)).toBe(true);
    const other = await node();
    expect((await get(other, 'parts')).equals(whole)).toBe(true);
    const range = { start: 5 * MIB + 70, end: 6 * MIB };
    expect((await get(other, 'parts', { range })).equals(whole.subarray(range.start, range.end + 1))).toBe(
      true,
    );
    expect((await get(other, 'parts', { part_number: 2 })).equals(contents[1] ?? NOTHING)).toBe(true);
  });

  it('an upload of a compressed type is the upstream’s own', async () => {
    const store = await node();
    const attributes = { headers: { content_type: 'video/mp4' } };
    const { upload_id } = await store.createUpload({ bucket, key: 'film', attributes });
    const upload = { bucket, key: 'film', upload_id };
    const body = textOf(10_000);
    const { etag } = await (await node()).uploadPart({
      ...upload,
      part_number: 1,
      body,
      size_bytes: body.length,
    });
    const copied = await (await node()).copyPart({
      ...upload,
      part_number: 2,
      source: { bucket, key: 'text' },
    });
    expect(copied).toMatchObject({ etag: md5(TEXT), size_bytes: TEXT.length });
    expect((await (await node()).listParts({ ...upload, limit: 9 })).parts.map((part) => part.etag)).toEqual([
      etag,
      md5(TEXT),
    ]);
    await store.abortUpload(upload);
  });

  it('writes and deletes on conditions about plaintexts', async () => {
    const store = await node();
    const { etag } = await put(store, 'swap', TEXT);
    const next = textOf(20_000);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 4 }, async () =>
        put(await node(), 'swap', next, { condition: { if_match: etag } }),
      ),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const wrong = { if_size_bytes: 1 };
    await failure(store.deleteObject({ bucket, key: 'swap', condition: wrong }), 'precondition_failed');
    await store.deleteObject({ bucket, key: 'swap', condition: { if_size_bytes: 20_000 } });
  });

  it('keeps digests of plaintexts as secret as an encryption below', async () => {
    const encryption = {
      current: 'one',
      keys: new Map([['one', randomBytes(32)]]),
      records_bucket: 'sealed',
    };
    const compression = {
      level: 1,
      spool: { folder: opened.folder, bytes_max: 100_000_000 },
      records_bucket: 'records',
    };
    const both = await decorated(upstream, { encryption, compression });
    await put(both, 'secret', TEXT);
    const { info } = await opened.local.headObject({ bucket, key: 'secret' });
    expect(info.size_bytes).toBeLessThan(TEXT.length / 2);
    const shown = JSON.stringify([info, (await stored('secret')).toString('latin1')]);
    for (const digest of ['md5', 'sha256'] as const) {
      const hash = createHash(digest).update(TEXT).digest();
      for (const form of ['hex', 'base64'] as const) {
        expect(shown).not.toContain(hash.toString(form));
        const value = Buffer.from(info.system['compression-digests'] ?? '', 'base64').toString('latin1');
        expect(value).not.toContain(hash.toString(form));
      }
    }
    expect((await get(both, 'secret')).equals(TEXT)).toBe(true);
  });
});
