import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readAll } from '../conformance/support/bytes.js';
import type { Adapter, CopyObjectInput, PutObjectInput } from '../contract/index.js';
import { type OpenLocalAdapterOptions, openLocalAdapter } from './open-local-adapter.js';

const KEY = randomBytes(32);
const PART_BYTES_MIN = 100_000;
/** In a file, but hashed without workers. */
const LARGE = 200_000;

let folder: string;
let adapter: Adapter;

/** Buckets say with their names how they are to be stored. */
const byName = (bucket: string) => ({
  encrypt: bucket.includes('sealed'),
  compress: bucket.includes('packed'),
});

const open = (options: Partial<OpenLocalAdapterOptions> = {}) =>
  openLocalAdapter({
    name: 'disk',
    path: folder,
    part_bytes_min: PART_BYTES_MIN,
    garbage_grace_ms: 0,
    encryption: { key: KEY },
    protection: byName,
    ...options,
  });

async function reopen(options: Partial<OpenLocalAdapterOptions>): Promise<void> {
  await adapter.close();
  adapter = await open(options);
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'protection-'));
  adapter = await open();
  for (const bucket of ['plain', 'packed', 'sealed', 'sealed-too', 'sealed-packed']) {
    await adapter.createBucket({ bucket, owner: 'me' });
  }
});

afterEach(async () => {
  await adapter.close();
  await rm(folder, { recursive: true });
});

const LINE = 'nobody who finds this disk should read this line\n';
const text = (size_bytes: number, line = LINE) => Buffer.alloc(size_bytes, line);

function copy(input: Pick<CopyObjectInput, 'bucket' | 'key' | 'source'> & Partial<CopyObjectInput>) {
  return adapter.copyObject({ replace_attributes: false, replace_tags: false, ...input });
}

function put(bucket: string, key: string, body: Buffer, more: Partial<PutObjectInput> = {}) {
  return adapter.putObject({ bucket, key, body, size_bytes: body.length, ...more });
}

async function get(bucket: string, key: string): Promise<Buffer> {
  return readAll((await adapter.getObject({ bucket, key })).body);
}

async function putInParts(bucket: string, key: string, parts: readonly Buffer[]): Promise<void> {
  const { upload_id } = await adapter.createUpload({ bucket, key });
  const done = [];
  for (const [index, body] of parts.entries()) {
    const part = { part_number: index + 1, body, size_bytes: body.length };
    const { etag } = await adapter.uploadPart({ bucket, key, upload_id, ...part });
    done.push({ part_number: part.part_number, etag });
  }
  await adapter.completeUpload({ bucket, key, upload_id, parts: done });
}

/** Not with toEqual, which takes seconds for a large buffer. */
async function expectContent(bucket: string, key: string, expected: Buffer): Promise<void> {
  expect((await get(bucket, key)).equals(expected)).toBe(true);
}

const filesUnder = (path: string) =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

const blobFiles = () => filesUnder(join(folder, 'blobs'));
const blobBytes = () => blobFiles().reduce((sum, file) => sum + statSync(file).size, 0);
const liesReadable = (bytes: string) =>
  filesUnder(folder).filter((file) => readFileSync(file).includes(bytes));

describe('what an encrypted bucket holds', () => {
  it('lies readable in no file, whichever way it came', async () => {
    for (const [bucket, line] of [
      ['sealed', LINE],
      ['sealed-packed', `packed: ${LINE}`],
    ] as const) {
      const parts = [text(PART_BYTES_MIN, line), text(200, line)];
      await put(bucket, 'small', text(4_000, line));
      await put(bucket, 'large', text(LARGE, line));
      await putInParts(bucket, 'parts', parts);
      await copy({ bucket: 'sealed-too', key: bucket, source: { bucket, key: 'large' } });
      await expectContent(bucket, 'small', text(4_000, line));
      await expectContent(bucket, 'parts', Buffer.concat(parts));
    }
    await adapter.close();
    expect(liesReadable(LINE.slice(0, 20))).toEqual([]);
    const digest = createHash('sha256').update(text(LARGE)).digest('hex');
    expect(filesUnder(folder).filter((file) => file.includes(digest))).toEqual([]);
    adapter = await open();
    await expectContent('sealed-too', 'sealed', text(LARGE));
  });

  it('shares its files with other encrypted buckets, and none with the rest', async () => {
    await put('sealed', 'a', text(LARGE));
    await put('sealed-too', 'b', text(LARGE));
    expect(blobFiles()).toHaveLength(1);
    await put('plain', 'c', text(LARGE));
    await put('packed', 'd', text(LARGE));
    expect(blobFiles()).toHaveLength(3);
    for (const key of ['a', 'b', 'c', 'd']) {
      const bucket = { a: 'sealed', b: 'sealed-too', c: 'plain', d: 'packed' }[key] ?? '';
      await adapter.deleteObject({ bucket, key });
      await adapter.maintain({ now_ms: Date.now() + 1_000 });
    }
    expect(blobFiles()).toEqual([]);
  });

  it('is found damaged by verification, and taken away from readers', async () => {
    await put('sealed', 'key', text(LARGE));
    expect(await adapter.verifyObject({ bucket: 'sealed', key: 'key' })).toMatchObject({ intact: true });
    const [file = ''] = blobFiles();
    const bytes = readFileSync(file);
    bytes[LARGE / 2] = (bytes[LARGE / 2] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    expect(await adapter.verifyObject({ bucket: 'sealed', key: 'key' })).toMatchObject({ intact: false });
    await expect(get('sealed', 'key')).rejects.toMatchObject({ kind: 'corrupt' });
    expect(blobFiles()).toEqual([]);
    await put('sealed', 'again', text(LARGE));
    await expectContent('sealed', 'key', text(LARGE));
  });
});

describe('a copy', () => {
  const objects = ['small', 'large', 'parts', 'empty'];

  async function fill(bucket: string): Promise<void> {
    await put(bucket, 'small', text(3_000));
    await put(bucket, 'large', text(LARGE));
    await putInParts(bucket, 'parts', [text(PART_BYTES_MIN), text(PART_BYTES_MIN + 7), text(10)]);
    await put(bucket, 'empty', text(0));
  }

  it.each([
    ['plain', 'sealed'],
    ['packed', 'sealed-packed'],
    ['sealed', 'plain'],
    ['sealed-packed', 'packed'],
  ])('from %s to %s is written as its bucket wants it', async (from, to) => {
    await fill(from);
    for (const key of objects) {
      const { info } = await copy({ bucket: to, key, source: { bucket: from, key } });
      const source = await adapter.headObject({ bucket: from, key });
      expect(info).toMatchObject({ etag: source.info.etag, size_bytes: source.info.size_bytes });
      await expectContent(to, key, await get(from, key));
      expect(await adapter.verifyObject({ bucket: to, key })).toMatchObject({ intact: true });
      await adapter.deleteObject({ bucket: from, key });
    }
    await adapter.maintain({ now_ms: Date.now() + 1_000 });
    await adapter.maintain({ now_ms: Date.now() + 1_000 });
    const readable = blobFiles().filter((file) => readFileSync(file).includes(LINE.slice(0, 20)));
    expect(readable.length > 0).toBe(to === 'plain');
    expect((await get(to, 'parts')).length).toBe(2 * PART_BYTES_MIN + 17);
    for (const key of objects) await adapter.deleteObject({ bucket: to, key });
    await adapter.maintain({ now_ms: Date.now() + 1_000 });
    await adapter.maintain({ now_ms: Date.now() + 1_000 });
    expect(blobFiles()).toEqual([]);
  });

  it('between two encrypted buckets shares the file', async () => {
    await fill('sealed');
    const before = blobFiles();
    for (const key of objects) {
      await copy({ bucket: 'sealed-too', key, source: { bucket: 'sealed', key } });
    }
    expect(blobFiles()).toEqual(before);
  });

  it('as a part is written as the bucket of the upload wants it', async () => {
    await put('plain', 'small', text(3_000));
    await put('plain', 'large', text(LARGE));
    const upload = { bucket: 'sealed', key: 'copied' };
    const { upload_id } = await adapter.createUpload(upload);
    const parts = [];
    for (const [index, key] of ['large', 'small'].entries()) {
      const source = { bucket: 'plain', key };
      const part_number = index + 1;
      const { etag } = await adapter.copyPart({ ...upload, upload_id, part_number, source });
      parts.push({ part_number, etag });
    }
    await adapter.completeUpload({ ...upload, upload_id, parts });
    expect(blobFiles()).toHaveLength(2);
    await expectContent('sealed', 'copied', Buffer.concat([text(LARGE), text(3_000)]));
  });

  it('onto itself encrypts what was written before encryption was asked for', async () => {
    await put('plain', 'key', text(LARGE));
    await reopen({ protection: () => ({ encrypt: true, compress: false }) });
    await expectContent('plain', 'key', text(LARGE));
    const source = { bucket: 'plain', key: 'key' };
    await copy({ ...source, source, replace_attributes: true });
    await adapter.maintain({ now_ms: Date.now() + 1_000 });
    expect(blobFiles()).toHaveLength(1);
    expect(blobFiles().filter((file) => readFileSync(file).includes(LINE))).toEqual([]);
    await expectContent('plain', 'key', text(LARGE));
  });

  it('that is refused leaves no file behind', async () => {
    await put('plain', 'key', text(LARGE));
    const source = { bucket: 'plain', key: 'key' };
    await put('sealed', 'key', text(10));
    const condition = { if_none_match: '*' } as const;
    const copying = copy({ bucket: 'sealed', key: 'key', source, condition });
    await expect(copying).rejects.toMatchObject({ kind: 'precondition_failed' });
    await adapter.maintain({ now_ms: Date.now() + 1_000 });
    expect(blobFiles()).toHaveLength(1);
  });
});

describe('the key', () => {
  it('is needed to open a folder with encrypted content, and only then', async () => {
    await put('plain', 'key', text(LARGE));
    await reopen({ encryption: { key: randomBytes(32) } });
    await reopen({});
    await put('sealed', 'key', text(10));
    await adapter.close();
    const wrong = { key: randomBytes(32) };
    await expect(open({ encryption: wrong })).rejects.toMatchObject({ kind: 'invalid', subject: 'adapter' });
    const opening = openLocalAdapter({ name: 'disk', path: folder });
    await expect(opening).rejects.toThrow(/encrypted with the key [0-9a-f]{16}, and no key was given/);
    adapter = await open({ encryption: { ...wrong, old_keys: [KEY] } });
    await expectContent('sealed', 'key', text(10));
    await put('sealed', 'new', text(20));
    await adapter.close();
    await expect(open()).rejects.toMatchObject({ kind: 'invalid' });
    adapter = await open({ encryption: { key: KEY, old_keys: [wrong.key] } });
    await expectContent('sealed', 'new', text(20));
  });

  it('reads what was encrypted also when nothing is to be encrypted any more', async () => {
    await put('sealed', 'small', text(10));
    await put('sealed-packed', 'large', text(LARGE));
    await reopen({ protection: () => ({ encrypt: false, compress: false }) });
    await expectContent('sealed', 'small', text(10));
    await expectContent('sealed-packed', 'large', text(LARGE));
    await put('sealed', 'new', text(LARGE));
    expect(liesReadable(LINE)).not.toEqual([]);
  });
});

describe('compression', () => {
  it('shrinks text, but not what its type or encoding says is compressed', async () => {
    await put('packed', 'text', text(LARGE), { attributes: { headers: { content_type: 'text/plain' } } });
    expect(blobBytes()).toBeLessThan(LARGE / 10);
    for (const headers of [
      { content_type: 'image/jpeg' },
      { content_type: 'text/plain', content_encoding: 'gzip' },
    ]) {
      const before = blobBytes();
      await put('packed', 'compressed', text(LARGE, JSON.stringify(headers)), { attributes: { headers } });
      expect(blobBytes() - before).toBe(LARGE);
    }
  });
});
