import { describe, expect } from 'vitest';
import type { ChecksumAlgorithm, ChecksumType, ObjectChecksum } from '../contract/index.js';
import { bytesOf, utf8 } from './support/bytes.js';
import { CHECKSUM_ALGORITHMS, checksumOf, compositeChecksum, fullObjectChecksum } from './support/digests.js';
import { deviates, expectBytes, failure } from './support/expect.js';
import { get, type Harness, put, testWith } from './support/harness.js';
import { beginUpload, complete, fullPart, sendPart } from './support/multipart.js';

export function multipartChecksumTests(harness: Harness): void {
  describe('checksums of uploads', () => {
    values(harness);
    defaults(harness);
    unannounced(harness);
    refusals(harness);
  });
}

interface Kind {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
}

/** S3 User Guide, "Checking object integrity": SHA is composite only, CRC64NVME of the full object only. */
const KINDS = CHECKSUM_ALGORITHMS.flatMap((algorithm): Kind[] => {
  const of = (type: ChecksumType): Kind => ({ algorithm, type });
  if (algorithm === 'CRC64NVME') return [of('FULL_OBJECT')];
  if (algorithm.startsWith('SHA')) return [of('COMPOSITE')];
  return [of('COMPOSITE'), of('FULL_OBJECT')];
});

/** All are verified. */
const keeps = ({ store }: Harness, { algorithm }: Pick<Kind, 'algorithm'>): boolean =>
  store.capabilities.checksums.includes(algorithm);

/** Where it is not kept, none is shown, or a true one, of whatever algorithm the upstream itself has. */
async function expectShown(
  harness: Harness,
  kind: Kind,
  shown: ObjectChecksum | null,
  contents: readonly Uint8Array[],
): Promise<void> {
  const about = `${kind.algorithm} ${kind.type}`;
  if (keeps(harness, kind)) expect(shown, about).toEqual(await expected(kind, contents));
  else if (shown !== null) expect(shown, about).toEqual(await expected(shown, contents));
}

function expected(kind: Kind, contents: readonly Uint8Array[]): Promise<ObjectChecksum> {
  if (kind.type === 'COMPOSITE') return compositeChecksum(kind.algorithm, contents);
  return fullObjectChecksum(kind.algorithm, Buffer.concat(contents));
}

const ofPart = (algorithm: ChecksumAlgorithm): Kind => ({ algorithm, type: 'FULL_OBJECT' });

function values(harness: Harness): void {
  testWith(harness, 'multipart', 'composite and full-object values of two parts', async () => {
    const bucket = await harness.bucket();
    const contents = [fullPart(harness, 1, 3), bytesOf(2, 1_001)];
    for (const kind of KINDS) {
      const { algorithm } = kind;
      const about = `${algorithm} ${kind.type}`;
      const upload = await beginUpload(harness, bucket, 'key', { checksum: kind });
      const parts = [];
      for (const [index, content] of contents.entries()) {
        const value = await checksumOf(algorithm, content);
        const promised = { expect: { checksum: { algorithm, value: () => value } } };
        const part = await sendPart(harness, upload, index + 1, content, promised);
        await expectShown(harness, ofPart(algorithm), part.checksum, [content]);
        parts.push({ part_number: index + 1, etag: part.etag, checksum: { algorithm, value } });
      }
      const { parts: listed, upload: shown } = await harness.store.listParts({ ...upload, limit: 9 });
      expect(shown.checksum).toEqual(kind);
      expect(listed).toHaveLength(contents.length);
      for (const [index, part] of listed.entries())
        await expectShown(harness, ofPart(algorithm), part.checksum, contents.slice(index, index + 1));
      const checksum = await expected(kind, contents);
      const info = await harness.store.completeUpload({ ...upload, parts, checksum });
      await expectShown(harness, kind, info.checksum, contents);
      const address = { bucket, key: 'key' };
      expect((await harness.store.headObject(address)).info.checksum, about).toEqual(info.checksum);
      if (deviates(harness.store, 'no_part_checksums') || !keeps(harness, kind)) continue;
      const head = await harness.store.headObject({ ...address, part_number: 2 });
      expect(head.part_checksum, about).toMatchObject({ algorithm, value: parts[1]?.checksum.value });
      const { parts: stored } = await harness.store.listObjectParts({ ...address, limit: 9 });
      expect(stored.map((part) => part.checksum?.value)).toEqual(parts.map((part) => part.checksum.value));
    }
  });

  testWith(
    harness,
    'multipart',
    'a full-object value is the one of the same bytes in one piece',
    async () => {
      const bucket = await harness.bucket();
      const contents = [fullPart(harness, 4), fullPart(harness, 5, 1), bytesOf(6, 70_000)];
      for (const kind of KINDS) {
        if (kind.type !== 'FULL_OBJECT' || !keeps(harness, kind)) continue;
        const upload = await beginUpload(harness, bucket, 'parts', { checksum: kind });
        const promised = { expect: { checksum: { algorithm: kind.algorithm } } };
        const parts = await Promise.all(
          contents.map((content, index) => sendPart(harness, upload, index + 1, content, promised)),
        );
        const info = await complete(harness, upload, parts);
        const whole = await put(harness, bucket, 'whole', Buffer.concat(contents), promised);
        expect(info.checksum).toEqual(whole.checksum);
      }
    },
  );
}

function defaults(harness: Harness): void {
  testWith(harness, 'multipart', 'without a request it is the full-object CRC64NVME', async () => {
    if (!harness.store.capabilities.checksums.includes('CRC64NVME')) return;
    const bucket = await harness.bucket();
    const contents = [fullPart(harness, 7), utf8('tail')];
    const upload = await beginUpload(harness, bucket, 'key');
    const { entries } = await harness.store.listUploads({ bucket, limit: 1 });
    expect(entries).toMatchObject([{ type: 'item', item: { checksum: null } }]);
    const parts = await Promise.all(
      contents.map((content, index) => sendPart(harness, upload, index + 1, content)),
    );
    const info = await complete(harness, upload, parts);
    expect(info.checksum).toEqual(await fullObjectChecksum('CRC64NVME', Buffer.concat(contents)));
  });

  testWith(harness, 'multipart', 'without a request its parts may bring any', async () => {
    const { store } = harness;
    const bucket = await harness.bucket();
    const content = utf8('whole');
    for (const algorithm of CHECKSUM_ALGORITHMS) {
      const upload = await beginUpload(harness, bucket, `key-${algorithm}`);
      const wrong = await checksumOf(algorithm, utf8('other'));
      const broken = { expect: { checksum: { algorithm, value: () => wrong } } };
      await failure(sendPart(harness, upload, 1, content, broken), 'digest_mismatch', 'body');
      const value = await checksumOf(algorithm, content);
      const promised = { expect: { checksum: { algorithm, value: () => value } } };
      const part = await sendPart(harness, upload, 1, content, promised);
      await expectShown(harness, ofPart(algorithm), part.checksum, [content]);
      const named = { part_number: 1, etag: part.etag, checksum: { algorithm, value } };
      await store.completeUpload({ ...upload, parts: [named] });
      expectBytes(await get(harness, bucket, upload.key), content);
    }
  });
}

/** Nobody has said at the beginning which checksum the whole would be held to. */
function unannounced(harness: Harness): void {
  testWith(
    harness,
    'multipart',
    'a wrong value of the whole is refused, whatever the upload knows',
    async () => {
      const { store } = harness;
      const bucket = await harness.bucket();
      const content = utf8('whole');
      for (const kind of KINDS) {
        const { algorithm } = kind;
        const upload = await beginUpload(harness, bucket, `key-${algorithm}-${kind.type}`);
        const part = await sendPart(harness, upload, 1, content, { expect: { checksum: { algorithm } } });
        const parts = [{ part_number: 1, etag: part.etag }];
        const checksum = await expected(kind, [utf8('other')]);
        const call = store.completeUpload({ ...upload, parts, checksum });
        await failure(call, ['digest_mismatch', 'invalid', 'unsupported']);
        expect((await store.listParts({ ...upload, limit: 1 })).parts).toHaveLength(1);
      }
    },
  );
}

function refusals(harness: Harness): void {
  testWith(harness, 'multipart', 'a part whose checksum differs is refused', async () => {
    const bucket = await harness.bucket();
    for (const kind of KINDS) {
      const { algorithm } = kind;
      const upload = await beginUpload(harness, bucket, 'key', { checksum: kind });
      const value = await checksumOf(algorithm, utf8('other'));
      const promised = { expect: { checksum: { algorithm, value: () => value } } };
      const call = sendPart(harness, upload, 1, utf8('content'), promised);
      const error = await failure(call, 'digest_mismatch', 'body');
      expect(error.detail.algorithm).toBe(algorithm);
      expect((await harness.store.listParts({ ...upload, limit: 1 })).parts).toEqual([]);
    }
  });

  testWith(
    harness,
    'multipart',
    'a complete with a wrong checksum is refused, and the upload goes on',
    async () => {
      const { store } = harness;
      const bucket = await harness.bucket();
      for (const kind of KINDS) {
        const { algorithm } = kind;
        const upload = await beginUpload(harness, bucket, 'key', { checksum: kind });
        const promised = { expect: { checksum: { algorithm } } };
        const part = await sendPart(harness, upload, 1, utf8('content'), promised);
        const wrong = await checksumOf(algorithm, utf8('other'));
        const named = { part_number: 1, etag: part.etag };
        const wrong_part = { ...named, checksum: { algorithm, value: wrong } };
        await failure(store.completeUpload({ ...upload, parts: [wrong_part] }), 'invalid_part');
        const checksum = await expected(kind, [utf8('other')]);
        await failure(store.completeUpload({ ...upload, parts: [named], checksum }), 'digest_mismatch');
        await failure(store.headObject({ bucket, key: 'key' }), 'not_found', 'object');
        const right = await expected(kind, [utf8('content')]);
        const info = await store.completeUpload({ ...upload, parts: [named], checksum: right });
        await expectShown(harness, kind, info.checksum, [utf8('content')]);
        await store.deleteObject({ bucket, key: 'key' });
      }
    },
  );
}
