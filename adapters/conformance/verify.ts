import { describe, expect, test } from 'vitest';
import { bytesOf } from './support/bytes.js';
import { expectBytes, failure } from './support/expect.js';
import { get, type Harness, put, testWith } from './support/harness.js';
import { fullPart, putParts } from './support/multipart.js';

export function verifyTests(harness: Harness): void {
  describe('verify', () => {
    intact(harness);
    absence(harness);
    upkeep(harness);
  });
}

function intact(harness: Harness): void {
  test('what was written is intact, and stays readable', async () => {
    const bucket = await harness.bucket();
    for (const size_bytes of [0, 1, 4_096, 1_300_000]) {
      const content = bytesOf(1, size_bytes);
      await put(harness, bucket, 'key', content);
      const result = await harness.store.verifyObject({ bucket, key: 'key' });
      expect(result).toEqual({ intact: true, size_bytes });
      expectBytes(await get(harness, bucket, 'key'), content);
    }
  });

  testWith(harness, 'multipart', 'an object of parts too', async () => {
    const bucket = await harness.bucket();
    const contents = [fullPart(harness, 1), bytesOf(2, 99)];
    const { size_bytes } = await putParts(harness, bucket, 'key', contents);
    const result = await harness.store.verifyObject({ bucket, key: 'key' });
    expect(result).toEqual({ intact: true, size_bytes });
  });

  testWith(harness, 'versioning', 'and any version', async () => {
    const bucket = await harness.versionedBucket();
    const { version_id } = await put(harness, bucket, 'key', 'old');
    await put(harness, bucket, 'key', 'newer');
    const { store } = harness;
    const verify = (more: { version_id?: string }) => store.verifyObject({ bucket, key: 'key', ...more });
    expect(await verify({ version_id })).toEqual({ intact: true, size_bytes: 3 });
    expect(await verify({})).toEqual({ intact: true, size_bytes: 5 });
    const marker = await store.deleteObject({ bucket, key: 'key' });
    await failure(verify({}), 'delete_marker');
    await failure(verify({ version_id: marker.version_id ?? '' }), 'delete_marker');
    expect(await verify({ version_id })).toEqual({ intact: true, size_bytes: 3 });
  });
}

function absence(harness: Harness): void {
  test('what is not there cannot be verified', async () => {
    const bucket = await harness.bucket();
    await failure(harness.store.verifyObject({ bucket, key: 'none' }), 'not_found', 'object');
  });
}

function upkeep(harness: Harness): void {
  test('maintenance loses nothing that is in use', async () => {
    const bucket = await harness.bucket();
    const contents = [bytesOf(1, 10), bytesOf(2, 900_000), bytesOf(3, 0)];
    for (const [index, content] of contents.entries()) await put(harness, bucket, `key ${index}`, content);
    await harness.store.deleteObject({ bucket, key: 'key 0' });
    for (let round = 0; round < 2; round++) {
      const result = await harness.store.maintain({ now_ms: Date.now() });
      expect(result.removed_blobs).toBeGreaterThanOrEqual(0);
      expect(result.freed_bytes).toBeGreaterThanOrEqual(0);
    }
    for (const index of [1, 2]) {
      expectBytes(await get(harness, bucket, `key ${index}`), contents[index] ?? bytesOf(0, 0));
    }
  });
}
