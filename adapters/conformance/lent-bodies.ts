import { describe, test } from 'vitest';
import { bytesOf, freedStreamOf, hexTextOf } from './support/bytes.js';
import { expectBytes } from './support/expect.js';
import { get, type Harness, testWith } from './support/harness.js';
import { beginUpload, complete, sendPart } from './support/multipart.js';

/** PutObjectInput: a chunk is lent until the next one is asked for. These bodies are gone then. */
export function lentBodyTests(harness: Harness): void {
  describe('bodies whose chunks are freed', () => {
    objects(harness);
    parts(harness);
  });
}

/** Compressed ones and others take different ways. */
const CONTENTS = { random: bytesOf, text: hexTextOf };

/** Small ones that are gathered, whole and odd ones, and such that hold several blocks, frames or pieces. */
const CHUNK_PATTERNS: readonly (readonly number[])[] = [
  [1_009],
  [65_536],
  [16_384, 1, 0, 49_151],
  [700_001, 3],
];

function objects(harness: Harness): void {
  for (const [kind, make] of Object.entries(CONTENTS)) {
    test(`objects of ${kind}, side by side`, async () => {
      const bucket = await harness.bucket();
      for (const size_bytes of [9_001, 70_003, 2_300_007]) {
        await Promise.all(
          CHUNK_PATTERNS.map(async (pattern, index) => {
            const key = `${size_bytes}/${pattern.join()}`;
            const content = make(size_bytes + index, size_bytes);
            const body = freedStreamOf(content, pattern);
            await harness.store.putObject({ bucket, key, body, size_bytes });
            expectBytes(await get(harness, bucket, key), content, key);
          }),
        );
      }
    });
  }
}

function parts(harness: Harness): void {
  testWith(harness, 'multipart', 'parts, side by side', async () => {
    const bucket = await harness.bucket();
    const size_bytes = harness.store.capabilities.part_bytes_min + 100_003;
    const contents = [hexTextOf(1, size_bytes), bytesOf(2, size_bytes), hexTextOf(3, 300_001)];
    const upload = await beginUpload(harness, bucket, 'key');
    const sent = contents.map((content, index) => {
      const body = freedStreamOf(content, CHUNK_PATTERNS[index + 1] ?? [65_537]);
      return sendPart(harness, upload, index + 1, content, { body });
    });
    await complete(harness, upload, await Promise.all(sent));
    expectBytes(await get(harness, bucket, 'key'), Buffer.concat(contents));
  });
}
