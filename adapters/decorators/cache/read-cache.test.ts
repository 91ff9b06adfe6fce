import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { bytesOf, createGate, readAll, utf8 } from '../../conformance/support/bytes.js';
import { failure, rejection } from '../../conformance/support/expect.js';
import { type OpenedAdapter, OWNER } from '../../conformance/support/harness.js';
import type { Adapter } from '../../contract/index.js';
import { openInFreshFolder } from '../../local/testing/open-in-fresh-folder.js';
import { aroundCalls, type Method } from '../around.js';
import { cacheReads, type ReadCacheOptions } from './read-cache.js';

const OPTIONS: ReadCacheOptions = {
  memory_bytes_max: 1_000_000,
  object_bytes_max: 200_000,
  trust_ms: 60_000,
};
const bucket = 'bucket';

let opened: OpenedAdapter;
let folder: string;
beforeAll(async () => {
  opened = await openInFreshFolder();
  folder = await mkdtemp(join(tmpdir(), 'backup-node-cache-'));
  await opened.adapter.createBucket({ bucket, owner: OWNER });
});
afterAll(async () => {
  await opened.close();
  await rm(folder, { recursive: true, force: true });
});

/** `calls` are those that reached the adapter below; reads wait there while `gate` is set. */
async function caching(options: Partial<ReadCacheOptions> = {}) {
  const calls: Method[] = [];
  const below = { gate: Promise.resolve() as Promise<void> };
  const inner = aroundCalls(opened.adapter, async (method, input, run) => {
    calls.push(method);
    const result = await run(input);
    if (method === 'getObject') await below.gate;
    return result;
  });
  const store = await cacheReads({ ...inner, close: async () => undefined }, { ...OPTIONS, ...options });
  closers.push(() => store.close());
  return { store, calls, below, reads: () => calls.filter((method) => /^(get|head)Object$/.test(method)) };
}
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const put = (store: Adapter, key: string, content: Uint8Array, more = {}) =>
  store.putObject({ bucket, key, body: content, size_bytes: content.length, ...more });
const get = async (store: Adapter, key: string, more = {}) =>
  readAll((await store.getObject({ bucket, key, ...more })).body);
const text = async (store: Adapter, key: string, more = {}) => (await get(store, key, more)).toString();

describe('the read cache', () => {
  it('asks once, and serves ranges, conditions and heads from what it has', async () => {
    const { store, reads } = await caching();
    const { etag } = await put(store, 'a', utf8('0123456789'));
    expect(await text(store, 'a')).toBe('0123456789');
    expect(await text(store, 'a', { range: { start: 3, end: 5 } })).toBe('345');
    expect(await text(store, 'a', { range: { suffix: 2 } })).toBe('89');
    await failure(store.getObject({ bucket, key: 'a', range: { start: 10 } }), 'range_not_satisfiable');
    const fresh = await failure(
      store.getObject({ bucket, key: 'a', condition: { if_none_match: [etag] } }),
      'not_modified',
    );
    expect(fresh.detail.info).toMatchObject({ etag });
    await failure(
      store.headObject({ bucket, key: 'a', condition: { if_match: ['x'] } }),
      'precondition_failed',
    );
    expect((await store.headObject({ bucket, key: 'a' })).info.etag).toBe(etag);
    expect(reads()).toEqual(['getObject']);
  });

  it('keeps the whole of a small object of which a range is read', async () => {
    const { store, reads } = await caching();
    await put(store, 'b', utf8('0123456789'));
    expect(await text(store, 'b', { range: { start: 3, end: 5 } })).toBe('345');
    expect(await text(store, 'b')).toBe('0123456789');
    expect(reads()).toEqual(['headObject', 'getObject']);
  });

  it('reads once for many who come at the same time, even if some of them leave', async () => {
    const { store, below, reads } = await caching();
    await put(store, 'c', utf8('content'));
    const gate = createGate();
    below.gate = gate.opened;
    const controller = new AbortController();
    const leaving = store.getObject({ bucket, key: 'c', signal: controller.signal });
    const others = Array.from({ length: 20 }, () => text(store, 'c'));
    const reason = new Error('gone');
    controller.abort(reason);
    expect(await rejection(leaving)).toBe(reason);
    gate.open();
    expect(new Set(await Promise.all(others))).toEqual(new Set(['content']));
    expect(reads()).toEqual(['getObject']);
  });

  it('shows each write of its own at once, and what is in flight does not bring the old back', async () => {
    const { store, below } = await caching();
    await put(store, 'd', utf8('old'));
    const gate = createGate();
    below.gate = gate.opened;
    const slow = text(store, 'd');
    await new Promise(setImmediate);
    below.gate = Promise.resolve();
    await put(store, 'd', utf8('new'));
    expect(await text(store, 'd')).toBe('new');
    gate.open();
    expect(await slow).toBe('old');
    expect(await text(store, 'd')).toBe('new');
    await store.putTags({ bucket, key: 'd', tags: { a: '1' } });
    expect((await store.getObject({ bucket, key: 'd' })).info.tags_count).toBe(1);
    await store.deleteObjects({ bucket, objects: [{ key: 'd' }] });
    await failure(store.getObject({ bucket, key: 'd' }), 'not_found');
  });

  it('with trust, shows what others write after that time; without, at once', async () => {
    const trusting = await caching({ trust_ms: 150 });
    const asking = await caching({ trust_ms: 0 });
    const stores = [trusting.store, asking.store];
    await put(opened.adapter, 'e', utf8('old'));
    for (const store of stores) expect(await text(store, 'e')).toBe('old');
    await put(opened.adapter, 'e', utf8('new'));
    expect(await text(asking.store, 'e')).toBe('new');
    await opened.adapter.putTags({ bucket, key: 'e', tags: { a: '1' } });
    expect((await asking.store.getObject({ bucket, key: 'e' })).info.tags_count).toBe(1);
    await expect.poll(() => text(trusting.store, 'e'), { timeout: 1_000 }).toBe('new');
    // Once for each state of the content; the rest is asked for by HEAD.
    expect(asking.calls.filter((method) => method === 'getObject')).toHaveLength(2);
    await opened.adapter.deleteObject({ bucket, key: 'e' });
    await failure(asking.store.getObject({ bucket, key: 'e' }), 'not_found');
  });

  it('lets large objects pass', async () => {
    const { store, reads } = await caching();
    const content = bytesOf(1, 300_000);
    await put(store, 'f', content);
    for (let n = 0; n < 2; n++) expect((await get(store, 'f')).equals(content)).toBe(true);
    const range = { start: 5, end: 7 };
    for (let n = 0; n < 2; n++)
      expect((await get(store, 'f', { range })).equals(content.subarray(5, 8))).toBe(true);
    expect(reads()).toHaveLength(4);
  });

  it('stays within its memory, and moves to the disk what memory has no room for', async () => {
    const { store, calls } = await caching({
      memory_bytes_max: 250_000,
      disk: { folder, bytes_max: 450_000 },
    });
    const contents = Array.from({ length: 8 }, (_, n) => bytesOf(n, 100_000));
    for (const [n, content] of contents.entries()) await put(store, `g${n}`, content);
    for (const [n, content] of contents.entries())
      expect((await get(store, `g${n}`)).equals(content)).toBe(true);
    await expect.poll(() => diskFiles()).toHaveLength(4);
    // The last two are in memory, four before them on the disk, the first two gone.
    calls.length = 0;
    // In this order none is asked for while it is on its way from memory to the disk.
    for (const n of [7, 6, 5, 4])
      expect((await get(store, `g${n}`)).equals(contents[n] as Uint8Array)).toBe(true);
    expect(calls).toEqual([]);
    expect((await get(store, 'g0')).equals(contents[0] as Uint8Array)).toBe(true);
    expect(calls).toEqual(['getObject']);
    await store.close();
    expect(await diskFiles()).toEqual([]);
  });

  it('does not believe its disk', async () => {
    const problems: unknown[] = [];
    const onProblem = (problem: unknown) => problems.push(problem);
    const { store, calls } = await caching({
      memory_bytes_max: 102_000,
      disk: { folder, bytes_max: 1_000_000, onProblem },
    });
    const contents = [bytesOf(1, 100_000), bytesOf(2, 100_000)];
    for (const [n, content] of contents.entries()) {
      await put(store, `h${n}`, content);
      await get(store, `h${n}`);
    }
    await expect.poll(() => diskFiles()).toHaveLength(1);
    const [file = ''] = await diskFiles();
    await expect.poll(async () => (await readFile(file)).length).toBe(100_000);
    const bytes = await readFile(file);
    bytes[500] = (bytes[500] ?? 0) ^ 1;
    await writeFile(file, bytes);
    calls.length = 0;
    expect((await get(store, 'h0')).equals(contents[0] as Uint8Array)).toBe(true);
    expect(calls).toEqual(['getObject']);
    expect(problems).toHaveLength(1);
  });
});

async function diskFiles(): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
