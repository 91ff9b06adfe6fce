import { describe, expect, test } from 'vitest';
import type {
  Body,
  BodyExpectation,
  ChecksumAlgorithm,
  ObjectChecksum,
  ObjectInfo,
} from '../contract/index.js';
import { bytesOf, streamOf, utf8 } from './support/bytes.js';
import {
  CHECKSUM_ALGORITHMS,
  checksumOf,
  expectTrueOrNone,
  fullObjectChecksum,
  hex,
} from './support/digests.js';
import { expectBytes, failure } from './support/expect.js';
import { get, getText, type Harness, put } from './support/harness.js';

/** Published check values: those of the string `123456789` (CRC catalogue), and FIPS 180 for SHA of `abc`. */
const KNOWN: readonly (readonly [ChecksumAlgorithm, string, string])[] = [
  ['CRC32', '123456789', 'cbf43926'],
  ['CRC32C', '123456789', 'e3069283'],
  ['CRC64NVME', '123456789', 'ae8b14860a799888'],
  ['SHA1', 'abc', 'a9993e364706816aba3e25717850c26c9cd0d89d'],
  ['SHA256', 'abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
];

export function checksumTests(harness: Harness): void {
  describe('checksums', () => {
    values(harness);
    refusals(harness);
  });
}

function declared(harness: Harness): ChecksumAlgorithm[] {
  return CHECKSUM_ALGORITHMS.filter((algorithm) => harness.store.capabilities.checksums.includes(algorithm));
}

function values(harness: Harness): void {
  test('checksums have their published values', async () => {
    const bucket = await harness.bucket();
    for (const [algorithm, text, value] of KNOWN) {
      if (!declared(harness).includes(algorithm)) continue;
      const info = await put(harness, bucket, 'key', text, { expect: { checksum: { algorithm } } });
      const base64 = Buffer.from(value, 'hex').toString('base64');
      expect(info.checksum).toEqual({ algorithm, type: 'FULL_OBJECT', value: base64 });
    }
  });

  test('every declared algorithm is computed, whole or in chunks, small or large', async () => {
    const bucket = await harness.bucket();
    for (const algorithm of declared(harness)) {
      for (const size_bytes of [0, 1, 4_096, 1_300_003]) {
        const content = bytesOf(size_bytes, size_bytes);
        const checksum = { algorithm, type: 'FULL_OBJECT', value: await checksumOf(algorithm, content) };
        const request = { bucket, key: algorithm, size_bytes, expect: { checksum: { algorithm } } };
        const whole = await harness.store.putObject({ ...request, body: content });
        expect(whole.checksum).toEqual(checksum);
        const streamed = await harness.store.putObject({ ...request, body: streamOf(content, [70_001, 3]) });
        expect(streamed.checksum).toEqual(checksum);
        const head = await harness.store.headObject({ bucket, key: algorithm });
        expect(head.info.checksum).toEqual(checksum);
      }
    }
  });

  test('without a request it is the default', async () => {
    const algorithm = harness.store.capabilities.default_checksum;
    const bucket = await harness.bucket();
    for (const size_bytes of [9, 1_100_000]) {
      const content = bytesOf(9, size_bytes);
      const info = await harness.store.putObject({
        bucket,
        key: 'key',
        size_bytes,
        body: streamOf(content, [9_999]),
      });
      if (algorithm === null) await expectTrueOrNone(info.checksum, content);
      else expect(info.checksum).toEqual(await fullObjectChecksum(algorithm, content));
      const { info: seen } = await harness.store.headObject({ bucket, key: 'key' });
      expect(seen.checksum).toEqual(info.checksum);
    }
  });

  test('any algorithm may be promised, before the body or behind it, and what is shown later is true', async () => {
    const bucket = await harness.bucket();
    for (const content of [utf8(''), bytesOf(1, 500), bytesOf(1, 1_100_000)]) {
      for (const algorithm of CHECKSUM_ALGORITHMS) {
        const right = await fullObjectChecksum(algorithm, content);
        for (const promised of [known(content, right), trailing(content, right)]) {
          const info = await putPromised(harness, bucket, 'key', promised);
          if (declared(harness).includes(algorithm)) expect(info.checksum).toEqual(right);
          else await expectTrueOrNone(info.checksum, content);
          const { info: seen } = await harness.store.headObject({ bucket, key: 'key' });
          expect(seen.checksum).toEqual(info.checksum);
          expectBytes(await get(harness, bucket, 'key'), content);
        }
      }
    }
  });
}

interface Promised {
  readonly size_bytes: number;
  readonly body: Body;
  readonly expect: BodyExpectation;
}

function known(content: Uint8Array, { algorithm, value }: ObjectChecksum): Promised {
  const checksum = { algorithm, value: () => value };
  return { size_bytes: content.length, body: streamOf(content, [70_001]), expect: { checksum } };
}

/** As in a trailer: known only when the body has ended. */
function trailing(content: Uint8Array, { algorithm, value }: ObjectChecksum): Promised {
  let trailer: string | undefined;
  async function* body(): AsyncGenerator<Uint8Array> {
    yield* streamOf(content, [9_999]);
    trailer = value;
  }
  const checksum = { algorithm, value: () => trailer };
  return { size_bytes: content.length, body: body(), expect: { checksum } };
}

function putPromised(harness: Harness, bucket: string, key: string, promised: Promised): Promise<ObjectInfo> {
  return harness.store.putObject({ bucket, key, ...promised });
}

function refusals(harness: Harness): void {
  test('right promises are kept', async () => {
    const bucket = await harness.bucket();
    for (const content of [utf8(''), bytesOf(1, 3_000), bytesOf(2, 1_200_000)]) {
      const promised: BodyExpectation = { md5: hex('md5', content), sha256: hex('sha256', content) };
      const info = await put(harness, bucket, 'key', content, { expect: promised });
      expect(info.etag).toBe(promised.md5);
    }
  });

  test('a body that breaks a promise is refused and changes nothing', async () => {
    const bucket = await harness.bucket();
    await put(harness, bucket, 'old', 'before');
    const other = utf8('some other content');
    const promises: [string, BodyExpectation][] = [
      ['md5', { md5: hex('md5', other) }],
      ['sha256', { sha256: hex('sha256', other) }],
      ['sha256', { sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' }],
    ];
    for (const algorithm of CHECKSUM_ALGORITHMS) {
      const value = await checksumOf(algorithm, other);
      promises.push([algorithm, { checksum: { algorithm, value: () => value } }]);
    }
    for (const [algorithm, promised] of promises) {
      for (const content of [bytesOf(1, 2_000), bytesOf(2, 1_200_000)]) {
        for (const key of ['old', 'new']) {
          const error = await failure(
            put(harness, bucket, key, content, { expect: promised }),
            'digest_mismatch',
            'body',
          );
          expect(String(error.detail.algorithm).toLowerCase()).toBe(algorithm.toLowerCase());
        }
      }
    }
    for (const algorithm of CHECKSUM_ALGORITHMS) {
      const wrong = await fullObjectChecksum(algorithm, other);
      for (const content of [bytesOf(1, 2_000), bytesOf(2, 1_200_000)]) {
        for (const promised of [known(content, wrong), trailing(content, wrong)]) {
          await failure(putPromised(harness, bucket, 'old', promised), 'digest_mismatch', 'body');
        }
      }
    }
    expect(await getText(harness, bucket, 'old')).toBe('before');
    await failure(harness.store.headObject({ bucket, key: 'new' }), 'not_found', 'object');
  });
}
