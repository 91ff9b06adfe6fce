import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytesOf, readAll, streamOf, utf8 } from '../../conformance/support/bytes.js';
import { failure } from '../../conformance/support/expect.js';
import { type OpenedAdapter, OWNER } from '../../conformance/support/harness.js';
import type { Adapter, ListEntry, ObjectInfo } from '../../contract/index.js';
import { forwarding } from '../../forwarding.js';
import { openInFreshFolder } from '../../local/testing/open-in-fresh-folder.js';
import { aroundCalls } from '../around.js';
import { encrypt } from './encrypt.js';

const bucket = 'bucket';
const [old_key, new_key] = [randomBytes(32), randomBytes(32)];
const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');

let opened: OpenedAdapter;
/** The upstream as S3 is: its listings show no attributes. */
let upstream: Adapter;
beforeAll(async () => {
  opened = await openInFreshFolder();
  await opened.adapter.createBucket({ bucket, owner: OWNER });
  upstream = {
    ...forwarding(opened.adapter),
    async listObjects(input) {
      const { entries, next } = await opened.adapter.listObjects(input);
      const bare = (entry: ListEntry<ObjectInfo>): ListEntry<ObjectInfo> =>
        entry.type === 'item' ? { type: 'item', item: { ...entry.item, system: {}, checksum: null } } : entry;
      return { entries: entries.map(bare), next };
    },
  };
});
afterAll(() => opened.close());

function ring(current: string, ...names: string[]) {
  const known: Record<string, Uint8Array> = { old: old_key, new: new_key };
  const keys = new Map(names.map((name) => [name, known[name] ?? new Uint8Array(0)] as const));
  return { current, keys, records_bucket: 'records' };
}
/** A node that has just been started: it remembers nothing. */
const node = (current = 'old', ...names: string[]) =>
  encrypt(upstream, ring(current, ...(names.length === 0 ? [current] : names)));

const put = (store: Adapter, key: string, content: Uint8Array, more = {}) =>
  store.putObject({ bucket, key, body: content, size_bytes: content.length, ...more });
const get = async (store: Adapter, key: string, more = {}) =>
  readAll((await store.getObject({ bucket, key, ...more })).body);

async function putParts(store: Adapter, key: string, contents: readonly Uint8Array[]) {
  const { upload_id } = await store.createUpload({ bucket, key });
  const upload = { bucket, key, upload_id };
  const parts = [];
  for (const [index, body] of contents.entries()) {
    const part_number = index + 1;
    const { etag } = await store.uploadPart({ ...upload, part_number, body, size_bytes: body.length });
    parts.push({ part_number, etag });
  }
  return { upload, parts };
}

const MIB = 1024 ** 2;
const PARTS = [bytesOf(1, 5 * MIB + 7), bytesOf(2, 5 * MIB), bytesOf(3, 1_000)];

describe('encryption', () => {
  it('keeps checksums, and what they are of, over an upstream that keeps none', async () => {
    const bare: Adapter = {
      ...forwarding(upstream),
      capabilities: { ...upstream.capabilities, checksums: [], default_checksum: null },
      headObject: async (input) => {
        const head = await upstream.headObject(input);
        return { ...head, info: { ...head.info, checksum: null } };
      },
    };
    const fresh = () => encrypt(bare, ring('old', 'old'));
    expect(fresh().capabilities).toMatchObject({
      checksums: upstream.capabilities.checksums,
      default_checksum: 'CRC64NVME',
    });
    for (const type of ['COMPOSITE', 'FULL_OBJECT'] as const) {
      const object = { bucket, key: `summed-${type}` };
      const store = fresh();
      const { upload_id } = await store.createUpload({ ...object, checksum: { algorithm: 'CRC32', type } });
      const upload = { ...object, upload_id };
      const { etag } = await store.uploadPart({
        ...upload,
        part_number: 1,
        body: utf8('part'),
        size_bytes: 4,
      });
      const { checksum } = await store.completeUpload({ ...upload, parts: [{ part_number: 1, etag }] });
      expect(checksum).toMatchObject({ algorithm: 'CRC32', type });
      expect((await fresh().headObject(object)).info.checksum).toEqual(checksum);
      expect((await fresh().headObject(object)).info.system).toEqual({});
    }
  });

  it('leaves no content upstream, and equal contents do not look alike', async () => {
    const store = node();
    const text = utf8('what nobody else should read '.repeat(5_000));
    await put(store, 'a', text);
    await store.putObject({ bucket, key: 'b', body: streamOf(text), size_bytes: text.length });
    const [a, b] = [await get(upstream, 'a'), await get(upstream, 'b')];
    for (const stored of [a, b]) {
      expect(stored.includes('nobody')).toBe(false);
      expect(stored.length).toBeGreaterThan(text.length);
    }
    expect(a.equals(b)).toBe(false);
    const { info } = await upstream.headObject({ bucket, key: 'a' });
    const shown = JSON.stringify(info);
    for (const digest of ['md5', 'sha256'] as const) {
      const hash = createHash(digest).update(text).digest();
      for (const form of ['hex', 'base64'] as const) expect(shown).not.toContain(hash.toString(form));
    }
  });

  it('shows the plaintext to a node that knows nothing of the writes', async () => {
    const content = bytesOf(4, 300_000);
    const written = [
      await put(node(), 'small', utf8('small')),
      await node().putObject({ bucket, key: 'large', body: streamOf(content), size_bytes: content.length }),
    ];
    for (const info of written) {
      const { key } = info;
      expect((await node().headObject({ bucket, key })).info).toEqual(info);
      expect((await node().getObject({ bucket, key })).info).toEqual(info);
      expect(md5(await get(node(), key))).toBe(info.etag);
    }
    const range = { start: 65_530, end: 200_000 };
    expect((await get(node(), 'large', { range })).equals(content.subarray(65_530, 200_001))).toBe(true);
  });

  it('lists the sizes of plaintexts without asking for each', async () => {
    const calls: string[] = [];
    const watched = aroundCalls(upstream, (method, input, run) => {
      calls.push(method);
      return run(input);
    });
    const { upload, parts } = await putParts(node(), 'listed parts', PARTS);
    await node().completeUpload({ ...upload, parts });
    await put(node(), 'listed', bytesOf(5, 123_456));
    const store = encrypt(watched, ring('old', 'old'));
    const { entries } = await store.listObjects({ bucket, prefix: 'listed', limit: 10 });
    expect(calls).toEqual(['listObjects']);
    const items = entries.flatMap((entry) => (entry.type === 'item' ? [entry.item] : []));
    expect(items.map(({ size_bytes }) => size_bytes)).toEqual([123_456, 10 * MIB + 1_007]);
    // What it cannot know does not look like the MD5 of something.
    for (const { etag } of items) expect(etag).toMatch(/-\d+$/);
    const head = await store.headObject({ bucket, key: 'listed' });
    const again = await store.listObjects({ bucket, prefix: 'listed', limit: 1 });
    expect(again.entries[0]).toMatchObject({ type: 'item', item: { size_bytes: head.info.size_bytes } });
  });

  it('takes the parts of one upload through several nodes', async () => {
    const { upload, parts } = await putParts(node(), 'parts', PARTS.slice(0, 2));
    const [, , last = new Uint8Array(0)] = PARTS;
    const body = { body: streamOf(last), size_bytes: last.length };
    const { etag } = await node().uploadPart({ ...upload, part_number: 3, ...body });
    expect((await node().listParts({ ...upload, limit: 10 })).parts.map((part) => part.etag)).toEqual(
      PARTS.map(md5),
    );
    const info = await node().completeUpload({ ...upload, parts: [...parts, { part_number: 3, etag }] });
    expect(info).toMatchObject({ size_bytes: 10 * MIB + 1_007, parts_count: 3 });
    const whole = Buffer.concat(PARTS);
    for (const store of [node(), node()]) {
      expect((await store.headObject({ bucket, key: 'parts' })).info).toEqual(info);
      expect((await get(store, 'parts')).equals(whole)).toBe(true);
      expect(md5(await get(store, 'parts', { part_number: 2 }))).toBe(etagOf(1));
      const range = { start: 5 * MIB - 3, end: 10 * MIB + 100 };
      expect((await get(store, 'parts', { range })).equals(whole.subarray(range.start, range.end + 1))).toBe(
        true,
      );
    }
  });
  const etagOf = (index: number) => md5(PARTS[index] ?? new Uint8Array(0));

  it('turns to a new key for new writes, and reads the old', async () => {
    await put(node('old'), 'under old', utf8('old'));
    const rotated = () => node('new', 'new', 'old');
    await put(rotated(), 'under new', utf8('new'));
    expect((await get(rotated(), 'under old')).toString()).toBe('old');
    expect((await get(node('new'), 'under new')).toString()).toBe('new');
    await failure(node('new').getObject({ bucket, key: 'under old' }), 'access_denied', 'adapter');
    await failure(node('old').getObject({ bucket, key: 'under new' }), 'access_denied', 'adapter');
    expect(() => encrypt(upstream, { ...ring('old', 'old'), current: 'missing' })).toThrow(/missing/);
  });

  it('finds every change of what is stored', async () => {
    const store = node();
    const content = bytesOf(6, 150_000);
    await put(store, 'tampered', content);
    const stored = await get(upstream, 'tampered');
    const { info } = await upstream.headObject({ bucket, key: 'tampered' });
    const { system } = info;
    const swapped = Buffer.concat([
      stored.subarray(65_552, 131_104),
      stored.subarray(0, 65_552),
      stored.subarray(131_104),
    ]);
    const flipped = Buffer.from(stored);
    flipped[70_000] = (flipped[70_000] ?? 0) ^ 1;
    const shortened = Buffer.concat([stored.subarray(0, 131_104), stored.subarray(-160)]);
    for (const bytes of [swapped, flipped, shortened]) {
      await put(upstream, 'tampered', bytes, { attributes: { system } });
      await failure(get(store, 'tampered'), 'corrupt');
      expect(await store.verifyObject({ bucket, key: 'tampered' })).toMatchObject({ intact: false });
    }
    await put(upstream, 'plain', utf8('written by somebody else'));
    await failure(store.headObject({ bucket, key: 'plain' }), 'corrupt');
  });

  it('keeps its own bucket to itself, and cleans it up', async () => {
    const store = node();
    const { upload } = await putParts(store, 'aborted', [utf8('part')]);
    const records = async () =>
      (await upstream.listObjects({ bucket: 'records', limit: 1_000 })).entries.length;
    const before = await records();
    await store.abortUpload(upload);
    expect(await records()).toBe(before - 1);
    const names = (await store.listBuckets({ limit: 10 })).buckets.map(({ name }) => name);
    expect(names).toEqual([bucket]);
    await failure(store.listObjects({ bucket: 'records', limit: 1 }), 'not_found', 'bucket');
    await failure(store.createBucket({ bucket: 'records', owner: OWNER }), 'invalid', 'bucket');
    await store.maintain({ now_ms: Date.now() });
    expect(await records()).toBe(before - 1);
    await store.maintain({ now_ms: Date.now() + 15 * 24 * 3_600_000 });
    expect(await records()).toBe(0);
  });

  it('acts on conditions in one step with the upstream', async () => {
    const store = node();
    const { etag } = await put(store, 'swap', utf8('0'));
    const condition = { if_match: etag };
    const calls = Array.from({ length: 8 }, (_, n) => put(node(), 'swap', utf8(`by ${n}`), { condition }));
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const size = { if_size_bytes: 1 };
    await failure(store.deleteObject({ bucket, key: 'swap', condition: size }), 'precondition_failed');
    await store.deleteObject({ bucket, key: 'swap', condition: { if_size_bytes: 4 } });
    await failure(store.headObject({ bucket, key: 'swap' }), 'not_found');
  });

  it('reads and copies a null version behind later ones, of one piece and of parts', async () => {
    const store = node();
    const versioned = 'versioned';
    await store.createBucket({ bucket: versioned, owner: OWNER });
    const address = { bucket: versioned, key: 'one' };
    const old = bytesOf(1, 1_000);
    await store.putObject({ ...address, body: old, size_bytes: old.length });
    const { upload_id } = await store.createUpload({ bucket: versioned, key: 'parts' });
    const upload = { bucket: versioned, key: 'parts', upload_id };
    const { etag } = await store.uploadPart({ ...upload, part_number: 1, body: old, size_bytes: old.length });
    await store.completeUpload({ ...upload, parts: [{ part_number: 1, etag }] });
    await store.putVersioning({ bucket: versioned, versioning: 'enabled' });
    await store.deleteObject(address);
    const newer = utf8('newer');
    await store.putObject({ bucket: versioned, key: 'parts', body: newer, size_bytes: newer.length });
    for (const key of ['one', 'parts']) {
      const source = { bucket: versioned, key, version_id: 'null' };
      // A node that remembers nothing has to ask for all of it.
      expect(Buffer.from(await readAll((await node().getObject(source)).body))).toEqual(Buffer.from(old));
      const target = { bucket: versioned, key: `copy of ${key}` };
      await node().copyObject({ source, ...target, replace_attributes: false, replace_tags: false });
      expect(Buffer.from(await readAll((await node().getObject(target)).body))).toEqual(Buffer.from(old));
    }
  });
});
