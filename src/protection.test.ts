import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configSchema } from '../config/schema.js';
import { openStorage, type Storage } from './storage.js';

const LARGE = 200_000;

let folder: string;
let storage: Storage | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'protection-'));
});

afterEach(async () => {
  await close();
  rmSync(folder, { recursive: true });
});

async function close(): Promise<void> {
  await storage?.close();
  storage = undefined;
}

/** What a started node opens, with these keys in its configuration. */
async function open(keys: object, env: Record<string, string> = {}): Promise<Storage> {
  await close();
  const config = configSchema.parse({ ...keys, storage_path: folder });
  storage = await openStorage({ config, env, on_fatal: () => {} });
  return storage;
}

const secret = (bucket: string) => `only for the eyes of ${bucket}`;

async function fill({ store }: Storage, bucket: string): Promise<void> {
  await store.createBucket({ bucket, owner: 'me' });
  for (const size_bytes of [1_000, LARGE]) {
    const body = Buffer.alloc(size_bytes, secret(bucket));
    await store.putObject({ bucket, key: String(size_bytes), body, size_bytes });
  }
}

async function contentOf({ store }: Storage, bucket: string, key: string): Promise<Buffer> {
  const { body } = await store.getObject({ bucket, key });
  if (body instanceof Uint8Array) return Buffer.from(body);
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

const files = () =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

/** In how many files the content of a bucket can be read by anyone who has the disk. */
const readableIn = (bucket: string) =>
  files().filter((file) => readFileSync(file).includes(secret(bucket))).length;

describe('the configuration', () => {
  it.each([
    [{}, false, false],
    [{ security: { encryption_enabled: true } }, true, false],
    [{ storage: { encryption_at_rest: true } }, true, true],
    [{ storage: { encryption_at_rest: true, compression_enabled: true } }, true, true],
  ])('%j encrypts shards: %j, the rest: %j', async (keys, shards, rest) => {
    const opened = await open(keys);
    await fill(opened, 'shards');
    await fill(opened, 'photos');
    expect((await contentOf(opened, 'shards', String(LARGE))).length).toBe(LARGE);
    await close();
    expect(readableIn('shards')).toBe(shards ? 0 : 2);
    expect(readableIn('photos')).toBe(rest ? 0 : 2);
    // Also without the keys of the configuration: the master key is there.
    const again = await open({});
    for (const bucket of ['shards', 'photos']) {
      expect((await contentOf(again, bucket, '1000')).equals(Buffer.alloc(1_000, secret(bucket)))).toBe(true);
    }
  });

  it('compresses where that is asked for', async () => {
    const sizeOnDisk = () =>
      files()
        .filter((file) => file.includes('/blobs/'))
        .reduce((sum, file) => sum + readFileSync(file).length, 0);
    await fill(await open({ storage: { compression_enabled: true } }), 'photos');
    expect(sizeOnDisk()).toBeLessThan(LARGE / 10);
  });
});

describe('the master key', () => {
  const keys = { storage: { encryption_at_rest: true } };
  const key_file = () => join(folder, 'master.key');

  it('is missed when it is gone, and no new one is made in its place', async () => {
    await fill(await open(keys), 'photos');
    await close();
    renameSync(key_file(), `${key_file()}.away`);
    await expect(open({})).rejects.toThrow(/master\.key is missing/);
    expect(existsSync(key_file())).toBe(false);
    renameSync(`${key_file()}.away`, key_file());
    expect(await contentOf(await open({}), 'photos', '1000')).toHaveLength(1_000);
  });

  it('is refused when it is another one, before anything is served', async () => {
    await fill(await open(keys), 'photos');
    await close();
    const env = { BACKUP_NODE_MASTER_KEY: '0f'.repeat(32) };
    await expect(open(keys, env)).rejects.toThrow(/put back the master\.key/);
    expect(await contentOf(await open(keys), 'photos', '1000')).toHaveLength(1_000);
  });
});
