import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Adapter, Body, ListEntry, PutObjectInput } from '../contract/index.js';
import { type OpenLocalAdapterOptions, openLocalAdapter } from './open-local-adapter.js';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** Too large for the index. */
const LARGE = 'large '.repeat(50_000);

let folder: string;
let adapter: Adapter;
let now_ms: number;

async function open(options: Partial<OpenLocalAdapterOptions> = {}): Promise<void> {
  adapter = await openLocalAdapter({ name: 'disk', path: folder, now: () => now_ms, ...options });
}

async function reopen(options: Partial<OpenLocalAdapterOptions> = {}): Promise<void> {
  await adapter.close();
  await open(options);
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'local-adapter-'));
  now_ms = 1_700_000_000_000;
  await open();
  await adapter.createBucket({ bucket: 'b', owner: 'me' });
});

afterEach(async () => {
  await adapter.close();
  await rm(folder, { recursive: true });
});

async function textOf(body: Body): Promise<string> {
  if (body instanceof Uint8Array) return Buffer.from(body).toString();
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

const read = async (key: string) => textOf((await adapter.getObject({ bucket: 'b', key })).body);

function put(key: string, text: string, more: Partial<PutObjectInput> = {}) {
  const body = Buffer.from(text);
  return adapter.putObject({ bucket: 'b', key, body, size_bytes: body.length, ...more });
}

const remove = (key: string) => adapter.deleteObject({ bucket: 'b', key });

function names(entries: readonly ListEntry<{ readonly key: string }>[]): string[] {
  return entries.map((entry) => (entry.type === 'item' ? entry.item.key : entry.prefix));
}

async function blobFiles(): Promise<string[]> {
  const all = await readdir(join(folder, 'blobs'), { recursive: true, withFileTypes: true });
  return all.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** Calls until there is nothing more to do. */
async function maintain(later_ms = 0): Promise<number> {
  now_ms += later_ms;
  let removed = 0;
  for (let round = 0; round < 4; round += 1) removed += (await adapter.maintain({ now_ms })).removed_blobs;
  return removed;
}

async function upload(key: string, texts: readonly string[]) {
  const { upload_id } = await adapter.createUpload({ bucket: 'b', key });
  const parts = [];
  for (const [index, text] of texts.entries()) {
    const body = Buffer.from(text);
    const address = { bucket: 'b', key, upload_id, part_number: index + 1 };
    const { part_number, etag } = await adapter.uploadPart({ ...address, body, size_bytes: body.length });
    parts.push({ part_number, etag });
  }
  return { bucket: 'b', key, upload_id, parts };
}

describe('after a restart', () => {
  test('what was acknowledged is there', async () => {
    const small = await put('small', 'hello');
    await put('large', LARGE);
    await put('empty', '');
    await reopen();
    expect((await adapter.headObject({ bucket: 'b', key: 'small' })).info).toEqual(small);
    expect([await read('small'), await read('large'), await read('empty')]).toEqual(['hello', LARGE, '']);
    expect(names((await adapter.listObjects({ bucket: 'b', limit: 10 })).entries)).toEqual([
      'empty',
      'large',
      'small',
    ]);
  });

  test('versions, unfinished uploads and counters are there', async () => {
    await adapter.putVersioning({ bucket: 'b', versioning: 'enabled' });
    const first = await put('key', 'one');
    await put('key', 'second');
    await remove('key');
    const begun = await upload('up', ['part']);
    const usage = await adapter.usage({ bucket: 'b' });
    expect(usage).toEqual({ objects_count: 0, objects_bytes: 0, versions_count: 2, stored_bytes: 13 });
    await reopen();
    expect(await adapter.usage({ bucket: 'b' })).toEqual(usage);
    expect(await adapter.usage({})).toEqual(usage);
    const old = await adapter.getObject({ bucket: 'b', key: 'key', version_id: first.version_id });
    expect(await textOf(old.body)).toBe('one');
    expect((await adapter.listParts({ ...begun, limit: 10 })).parts).toHaveLength(1);
    const second = await put('key', 'third');
    expect(second.version_id > first.version_id).toBe(true);
  });

  test('the change feed goes on, and a cursor from before is still good', async () => {
    await put('one', '1');
    const before = await adapter.readChanges({ after: null, limit: 100 });
    await reopen();
    await put('two', '2');
    const after = await adapter.readChanges({ after: before.cursor, limit: 100 });
    expect(after).toMatchObject({ gap: false, changes: [{ type: 'put', key: 'two', size_bytes: 1 }] });
  });
});

describe('one process per folder', () => {
  test('a second opening is refused and names the process that holds it', async () => {
    await expect(openLocalAdapter({ name: 'second', path: folder })).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining(String(process.pid)),
      detail: { pid: process.pid },
    });
  });

  test('the folder of a killed process opens', async () => {
    await adapter.close();
    const script = join(folder, 'holder.mjs');
    await writeFile(script, 'process.send("ready"); setInterval(() => undefined, 1000);');
    const child = fork(script);
    await once(child, 'message');
    const stat = await readFile(`/proc/${child.pid}/stat`, 'utf8');
    const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    const boot_id = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    const own = { pid: child.pid, host: 'here', boot_id, started };
    const pid_namespace = await readlink('/proc/self/ns/pid');
    await writeFile(join(folder, 'node.lock'), JSON.stringify({ ...own, pid_namespace, nonce: '' }));
    await expect(open()).rejects.toMatchObject({ kind: 'unavailable', detail: { pid: child.pid } });
    child.kill('SIGKILL');
    await once(child, 'exit');
    await open();
  });
});

describe('keys', () => {
  test('are listed in the order of their UTF-8 bytes, not of UTF-16', async () => {
    // U+FF21 comes before U+1F600 in UTF-8, but after it in UTF-16.
    const keys = ['a', 'a\u0000', 'a\u0000b', 'a\u0001', 'b', 'é', '\uff21', '\u{1f600}'];
    for (const key of [...keys].reverse()) await put(key, key);
    expect(names((await adapter.listObjects({ bucket: 'b', limit: 100 })).entries)).toEqual(keys);
    await adapter.putVersioning({ bucket: 'b', versioning: 'enabled' });
    for (const key of keys) await put(key, 'second');
    const { entries } = await adapter.listVersions({ bucket: 'b', limit: 100 });
    expect(names(entries)).toEqual(keys.flatMap((key) => [key, key]));
    for (const key of keys) expect(await read(key)).toBe('second');
  });

  test('of zero bytes only, as long as they may be, have versions and uploads', async () => {
    const key = '\u0000'.repeat(1_024);
    await adapter.putVersioning({ bucket: 'b', versioning: 'enabled' });
    const first = await put(key, 'one');
    await put(key, 'two');
    const old = await adapter.getObject({ bucket: 'b', key, version_id: first.version_id });
    expect(await textOf(old.body)).toBe('one');
    await adapter.completeUpload(await upload(key, ['three']));
    expect(await read(key)).toBe('three');
    const { entries } = await adapter.listVersions({ bucket: 'b', limit: 10 });
    expect(names(entries)).toEqual([key, key, key]);
  });
});

describe('content', () => {
  test('is stored once however many objects have it, and goes with the last after the grace period', async () => {
    await put('one', LARGE);
    await put('two', LARGE);
    await adapter.copyObject({
      source: { bucket: 'b', key: 'one' },
      bucket: 'b',
      key: 'three',
      replace_attributes: false,
      replace_tags: false,
    });
    expect(await blobFiles()).toHaveLength(1);
    await remove('one');
    await put('two', 'other');
    expect(await maintain(60 * MINUTE_MS)).toBe(0);
    expect(await read('three')).toBe(LARGE);
    await remove('three');
    expect(await maintain(9 * MINUTE_MS)).toBe(0);
    expect(await blobFiles()).toHaveLength(1);
    expect(await maintain(2 * MINUTE_MS)).toBe(1);
    expect(await blobFiles()).toEqual([]);
  });

  test('that is written again before it goes stays', async () => {
    await put('one', LARGE);
    await remove('one');
    now_ms += 60 * MINUTE_MS;
    await put('two', LARGE);
    expect(await maintain()).toBe(0);
    expect(await read('two')).toBe(LARGE);
    await remove('two');
    expect(await maintain(11 * MINUTE_MS)).toBe(1);
  });

  test('of a refused write is cleared away', async () => {
    await put('key', 'first');
    const late = put('key', LARGE, { condition: { if_none_match: '*' } });
    await expect(late).rejects.toMatchObject({ kind: 'precondition_failed' });
    // The condition held when the body began to come, and no longer when it had come.
    await remove('key');
    const [one, two] = await Promise.allSettled([
      put('key', `${LARGE}1`, { condition: { if_none_match: '*' } }),
      put('key', `${LARGE}2`, { condition: { if_none_match: '*' } }),
    ]);
    expect([one.status, two.status].sort()).toEqual(['fulfilled', 'rejected']);
    expect(await maintain(11 * MINUTE_MS)).toBe(1);
    expect(await blobFiles()).toHaveLength(1);
  });

  test('that a crash left without a record goes after the next start', async () => {
    await put('kept', LARGE);
    const [kept] = await blobFiles();
    const orphan = join(kept ?? '', '..', `${(kept ?? '').split('/').at(-1)?.slice(0, -1)}0`);
    await writeFile(orphan, 'nobody knows me');
    await reopen();
    await maintain();
    expect(await blobFiles()).toEqual([kept]);
  });

  test('that was damaged is refused once found, and healed by the next upload of the same', async () => {
    await put('key', LARGE);
    const [file] = await blobFiles();
    await writeFile(file ?? '', LARGE.replace('large', 'lArge'));
    expect(await adapter.verifyObject({ bucket: 'b', key: 'key' })).toMatchObject({ intact: false });
    await expect(adapter.getObject({ bucket: 'b', key: 'key' })).rejects.toMatchObject({ kind: 'corrupt' });
    await put('other', LARGE);
    expect(await read('key')).toBe(LARGE);
    expect(await adapter.verifyObject({ bucket: 'b', key: 'key' })).toMatchObject({ intact: true });
  });

  test('in the index is checked before it leaves', async () => {
    await put('key', 'some small content');
    await adapter.close();
    const path = join(folder, 'index', 'data.mdb');
    const bytes = await readFile(path);
    for (let at = bytes.indexOf('some small'); at !== -1; at = bytes.indexOf('some small', at))
      bytes[at] = 0x53;
    await writeFile(path, bytes);
    await open();
    expect(await adapter.verifyObject({ bucket: 'b', key: 'key' })).toMatchObject({ intact: false });
    await expect(adapter.getObject({ bucket: 'b', key: 'key' })).rejects.toMatchObject({ kind: 'corrupt' });
  });
});

describe('uploads', () => {
  beforeEach(() => reopen({ part_bytes_min: 1 }));

  test('and versions have ids that no reader of XML takes for a number', async () => {
    await adapter.putVersioning({ bucket: 'b', versioning: 'enabled' });
    const { upload_id } = await adapter.createUpload({ bucket: 'b', key: 'key' });
    const { version_id } = await put('key', 'content');
    expect([upload_id, version_id]).toEqual([
      expect.stringMatching(/^u[0-9a-f]+$/),
      expect.stringMatching(/^v[0-9a-f]+$/),
    ]);
  });

  test('a completed one holds what its parts held, and gives it up with its last copy', async () => {
    await adapter.completeUpload(await upload('key', [`${LARGE}1`, `${LARGE}2`, 'end']));
    await adapter.copyObject({
      source: { bucket: 'b', key: 'key' },
      bucket: 'b',
      key: 'copy',
      replace_attributes: false,
      replace_tags: false,
    });
    await remove('key');
    expect(await maintain(11 * MINUTE_MS)).toBe(0);
    expect(await read('copy')).toBe(`${LARGE}1${LARGE}2end`);
    await remove('copy');
    expect(await maintain(11 * MINUTE_MS)).toBe(2);
    expect(await blobFiles()).toEqual([]);
  });

  test('a download goes on though its object was deleted and the grace period is over', async () => {
    const texts = ['1', '2', '3', '4'].map((digit) => `${LARGE}${digit}`);
    await adapter.completeUpload(await upload('key', texts));
    const { body } = await adapter.getObject({ bucket: 'b', key: 'key' });
    if (body instanceof Uint8Array) throw new Error('it should be a stream');
    const chunks: Buffer[] = [];
    for await (const chunk of body) {
      chunks.push(Buffer.from(chunk));
      if (chunks.length > 1) continue;
      await remove('key');
      expect(await maintain(60 * MINUTE_MS)).toBe(0);
    }
    expect(Buffer.concat(chunks).toString()).toBe(texts.join(''));
    expect(await maintain()).toBe(4);
  });

  test('a completed one is remembered for some days, and no longer than its object is the latest', async () => {
    const done = await upload('key', ['part']);
    const info = await adapter.completeUpload(done);
    await reopen({ part_bytes_min: 1 });
    expect(await adapter.completeUpload({ ...done, condition: { if_none_match: '*' } })).toEqual(info);
    await expect(
      adapter.completeUpload({ ...done, parts: [{ part_number: 1, etag: 'another' }] }),
    ).rejects.toMatchObject({ kind: 'not_found', subject: 'upload' });
    await maintain(2 * DAY_MS);
    expect(await adapter.completeUpload(done)).toEqual(info);
    await maintain(2 * DAY_MS);
    await expect(adapter.completeUpload(done)).rejects.toMatchObject({ kind: 'not_found' });
  });

  test('a replaced one is not taken for the object that came after it', async () => {
    const done = await upload('key', ['part']);
    await adapter.completeUpload(done);
    await put('key', 'another');
    await expect(adapter.completeUpload(done)).rejects.toMatchObject({ kind: 'not_found' });
    expect(await read('key')).toBe('another');
  });

  test('unfinished ones are aborted when they are too old, with all that they hold', async () => {
    const old = await upload('old', [LARGE, 'small']);
    now_ms += 5 * DAY_MS;
    const young = await upload('young', ['part']);
    await maintain(3 * DAY_MS);
    expect(await maintain(11 * MINUTE_MS)).toBe(1);
    await expect(adapter.listParts({ ...old, limit: 1 })).rejects.toMatchObject({ kind: 'not_found' });
    expect((await adapter.listParts({ ...young, limit: 9 })).parts).toHaveLength(1);
    expect(await adapter.usage({ bucket: 'b' })).toMatchObject({ stored_bytes: 4 });
    expect(await blobFiles()).toEqual([]);
  });

  test('they stay when that is switched off', async () => {
    await reopen({ upload_max_age_ms: null });
    const old = await upload('old', ['part']);
    await maintain(1_000 * DAY_MS);
    expect((await adapter.listParts({ ...old, limit: 9 })).parts).toHaveLength(1);
  });

  test('those of a deleted bucket leave nothing behind', async () => {
    await upload('key', [LARGE, 'small']);
    await adapter.deleteBucket({ bucket: 'b' });
    expect(await adapter.usage({})).toMatchObject({ stored_bytes: 0 });
    await maintain();
    expect(await maintain(11 * MINUTE_MS)).toBe(1);
    expect(await blobFiles()).toEqual([]);
    await adapter.createBucket({ bucket: 'b', owner: 'me' });
    expect((await adapter.listUploads({ bucket: 'b', limit: 9 })).entries).toEqual([]);
    expect(await adapter.usage({})).toMatchObject({ stored_bytes: 0 });
  });
});

describe('the change feed', () => {
  test('keeps to its bound and says when a reader missed something', async () => {
    await reopen({ changes_kept_max: 5 });
    const first = await adapter.readChanges({ after: null, limit: 1 });
    for (let n = 0; n < 20; n += 1) await put(`key ${n}`, 'x');
    await maintain();
    expect(await adapter.readChanges({ after: first.cursor, limit: 100 })).toMatchObject({ gap: true });
    const rest = await adapter.readChanges({ after: null, limit: 100 });
    expect(rest.changes.map((change) => change.key)).toEqual([15, 16, 17, 18, 19].map((n) => `key ${n}`));
    const last = await adapter.readChanges({ after: rest.cursor, limit: 100 });
    expect(last).toEqual({ changes: [], cursor: rest.cursor, gap: false });
  });
});

describe('a disk without room', () => {
  test('takes no more writes, but deletes', async () => {
    await put('key', 'content');
    await reopen({ reserve_bytes: Number.MAX_SAFE_INTEGER });
    await expect(put('more', 'content')).rejects.toMatchObject({ kind: 'no_space' });
    await expect(adapter.createUpload({ bucket: 'b', key: 'up' })).rejects.toMatchObject({
      kind: 'no_space',
    });
    await remove('key');
    expect((await adapter.listObjects({ bucket: 'b', limit: 9 })).entries).toEqual([]);
  });
});
