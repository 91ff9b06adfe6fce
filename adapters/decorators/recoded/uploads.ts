import { evaluateSourceCondition, rangeBytes } from '../../conditions.js';
import type {
  CompleteUploadInput,
  CopyPartInput,
  CreateUploadInput,
  ListEntry,
  ListPartsInput,
  ListPartsResult,
  ListUploadsInput,
  ListUploadsResult,
  ObjectInfo,
  PartInfo,
  UploadAddress,
  UploadInfo,
  UploadPartInput,
} from '../../contract/index.js';
import { partAlgorithm, recordOf } from './chosen-parts.js';
import type { Encoded } from './codec.js';
import { createCompletion } from './complete-upload.js';
import { type Declared, markOfParts, shownPart } from './content.js';
import { createKnownUploads } from './known-uploads.js';
import type { PartRecords } from './part-records.js';
import { unlessReplaced, whileReplaced } from './replaced.js';
import type { WriteParts } from './writes.js';

export interface Uploads {
  create(input: CreateUploadInput): Promise<UploadInfo>;
  uploadPart(input: UploadPartInput): Promise<PartInfo>;
  copyPart(input: CopyPartInput): Promise<PartInfo & { readonly source_version_id: string }>;
  listParts(input: ListPartsInput): Promise<ListPartsResult>;
  complete(input: CompleteUploadInput): Promise<ObjectInfo>;
  abort(input: UploadAddress): Promise<void>;
  list(input: ListUploadsInput): Promise<ListUploadsResult>;
}

export interface UploadParts extends WriteParts {
  readonly records: PartRecords;
}

export function createUploads({ inner, codec, contents, conditions, records, reads }: UploadParts): Uploads {
  const { names } = codec;
  const uploads = createKnownUploads(inner, codec);
  const complete = createCompletion({ inner, codec, contents, conditions, records, uploads });

  const uploadEncoded = async (
    input: UploadPartInput,
    declared: Declared,
    encoded: Encoded,
  ): Promise<PartInfo> => {
    const { bucket, key, upload_id, signal, part_number } = input;
    const part = await inner.uploadPart({
      bucket,
      key,
      upload_id,
      signal,
      part_number,
      body: encoded.body,
      size_bytes: encoded.size_bytes,
      // Only to have it kept: what was promised of the plaintext is verified here.
      ...(declared &&
        inner.capabilities.checksums.includes(declared.algorithm) && {
          expect: { checksum: { algorithm: declared.algorithm } },
        }),
    });
    const { etag: stored_etag, checksum: stored_checksum } = part;
    const digests = encoded.digests();
    const { reference } = encoded;
    await records.add(input, { part_number, stored_etag, stored_checksum, reference, digests });
    return shownPart(part, digests);
  };

  const uploadPart = async (input: UploadPartInput): Promise<PartInfo> => {
    const { expect, body, size_bytes, signal } = input;
    const { checksum: declared, unchanged } = await uploads.of(input);
    if (unchanged) return inner.uploadPart(input);
    const algorithm = partAlgorithm(declared, expect?.checksum?.algorithm);
    const encoded = await codec.encode({ kind: 'part', body, size_bytes, expect, algorithm, signal });
    try {
      if ('unchanged' in encoded) throw new Error('a part is encoded like its upload');
      return await uploadEncoded(input, declared, encoded);
    } finally {
      await encoded.release?.();
    }
  };

  /** Inside the upstream, where both sides lie there as clients see them. Undefined: the source does not. */
  const copyInside = ({ source, ...target }: CopyPartInput) =>
    whileReplaced(async () => {
      const { bucket, key, version_id } = source;
      const found = await conditions.find({ bucket, key, version_id, signal: target.signal });
      if (found?.content !== null) return undefined;
      evaluateSourceCondition(found.shown, source.condition);
      const seen = { ...source, condition: { if_match: [found.stored.etag] } };
      return unlessReplaced(inner.copyPart({ ...target, source: seen }));
    });

  const copyPart = async (input: CopyPartInput) => {
    const { source, ...target } = input;
    const { unchanged } = await uploads.of(input);
    const copied = unchanged ? await copyInside(input) : undefined;
    if (copied !== undefined) return copied;
    const { condition, ...address } = source;
    const { info, range, body } = await reads.get({ ...address, signal: input.signal });
    evaluateSourceCondition(info, condition);
    const part = await uploadPart({ ...target, body, size_bytes: rangeBytes(range, info) });
    return { ...part, source_version_id: info.version_id };
  };

  return {
    async create(input) {
      const unchanged = !codec.takes(input.attributes?.headers);
      const mark = markOfParts(input.checksum ?? null, inner.capabilities);
      const system = { ...input.attributes?.system, [names.mark]: mark };
      const upload = await inner.createUpload(
        unchanged ? input : { ...input, attributes: { ...input.attributes, system } },
      );
      const { upload_id } = upload;
      uploads.remember({ ...input, upload_id }, { ...upload, system: unchanged ? {} : system });
      return uploads.shown(upload);
    },
    uploadPart,
    copyPart,
    async listParts(input) {
      const page = await inner.listParts(input);
      const upload = uploads.shown(page.upload);
      if (uploads.isUnchanged(page.upload)) return { ...page, upload };
      const known = page.parts.length === 0 ? [] : await records.list(input);
      const parts = page.parts.flatMap((part) => {
        const record = recordOf(known, part);
        return record === undefined ? [] : [shownPart(part, record.digests)];
      });
      return { ...page, upload, parts };
    },
    complete,
    async abort(input) {
      await inner.abortUpload(input);
      if (!uploads.isKnownUnchanged(input)) await records.drop(input);
    },
    async list(input) {
      const { entries, next } = await inner.listUploads(input);
      const shownEntry = (entry: ListEntry<UploadInfo>): ListEntry<UploadInfo> =>
        entry.type === 'item' ? { type: 'item', item: uploads.shown(entry.item) } : entry;
      return { entries: entries.map(shownEntry), next };
    },
  };
}
