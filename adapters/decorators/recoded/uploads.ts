import { LRUCache } from 'lru-cache';
import { LIMITS } from '../../../config/limits.js';
import { evaluateSourceCondition, rangeBytes } from '../../conditions.js';
import type {
  Adapter,
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
import { requireChecksum, requireSize } from '../../multipart-rules.js';
import { chooseRecords, partAlgorithm, storedPart, storedParts } from './chosen-parts.js';
import type { Codec, Encoded } from './codec.js';
import type { Conditions } from './conditions.js';
import {
  contentOfParts,
  type Declared,
  type DigestedPiece,
  OF_PARTS,
  shownInfo,
  shownPart,
  shownSystem,
} from './content.js';
import type { Contents } from './contents.js';
import type { PartRecord, PartRecords } from './part-records.js';
import type { Reads } from './reads.js';

export interface Uploads {
  create(input: CreateUploadInput): Promise<UploadInfo>;
  uploadPart(input: UploadPartInput): Promise<PartInfo>;
  copyPart(input: CopyPartInput): Promise<PartInfo & { readonly source_version_id: string }>;
  listParts(input: ListPartsInput): Promise<ListPartsResult>;
  complete(input: CompleteUploadInput): Promise<ObjectInfo>;
  abort(input: UploadAddress): Promise<void>;
  list(input: ListUploadsInput): Promise<ListUploadsResult>;
}

export interface UploadParts {
  readonly inner: Adapter;
  readonly codec: Codec;
  readonly contents: Contents;
  readonly conditions: Conditions;
  readonly records: PartRecords;
  readonly reads: Reads;
}

/** Said when an upload began, and the same until its end. */
interface Begun {
  readonly checksum: Declared;
  /** Its parts go up as they come, and so does all else of it. */
  readonly unchanged: boolean;
}

export function createUploads({ inner, codec, contents, conditions, records, reads }: UploadParts): Uploads {
  const { names } = codec;
  const known_uploads = new LRUCache<string, Begun>({ max: LIMITS.recoded_known_uploads_max });
  const nameOf = (input: UploadAddress) => JSON.stringify([input.bucket, input.key, input.upload_id]);
  const shown = (upload: UploadInfo): UploadInfo =>
    upload.system === undefined ? upload : { ...upload, system: shownSystem(names, upload.system) };
  const isUnchanged = ({ system }: UploadInfo): boolean =>
    codec.refuseUnmarked === undefined && system?.[names.mark] === undefined;
  const begunOf = async (input: UploadAddress): Promise<Begun> => {
    const name = nameOf(input);
    const known = known_uploads.get(name);
    if (known !== undefined) return known;
    const { upload } = await inner.listParts({ ...addressOf(input), limit: 1 });
    const begun: Begun = { checksum: upload.checksum, unchanged: isUnchanged(upload) };
    known_uploads.set(name, begun);
    return begun;
  };

  const uploadEncoded = async (
    input: UploadPartInput,
    declared: Declared,
    encoded: Encoded,
  ): Promise<PartInfo> => {
    const { part_number } = input;
    const part = await inner.uploadPart({
      ...addressOf(input),
      part_number,
      body: encoded.body,
      size_bytes: encoded.size_bytes,
      ...(declared && { expect: { checksum: { algorithm: declared.algorithm } } }),
    });
    const { etag: stored_etag, checksum: stored_checksum } = part;
    const digests = encoded.digests();
    const { reference } = encoded;
    await records.add(input, { part_number, stored_etag, stored_checksum, reference, digests });
    return shownPart(part, digests);
  };

  const uploadPart = async (input: UploadPartInput): Promise<PartInfo> => {
    const { expect, body, size_bytes, signal } = input;
    const { checksum: declared, unchanged } = await begunOf(input);
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

  /** Parts without a record are those whose upload nobody was told of. */
  const recordOf = (known: readonly PartRecord[], part: PartInfo): PartRecord | undefined =>
    known.find(
      ({ part_number, stored_etag }) => part_number === part.part_number && stored_etag === part.etag,
    );

  const completeUnchanged = async (
    input: CompleteUploadInput,
    upload: UploadInfo | undefined,
  ): Promise<ObjectInfo> => {
    const { condition: asked, ...rest } = input;
    const condition = upload && (await conditions.forWrite(input, asked));
    const stored = await inner.completeUpload({ ...rest, ...(condition && { condition }) });
    contents.remember(input.bucket, input.key, stored.etag, null);
    return stored;
  };

  const complete = async (input: CompleteUploadInput): Promise<ObjectInfo> => {
    const known = known_uploads.get(nameOf(input))?.unchanged === true ? [] : await records.list(input);
    const { upload, parts, not_found } = await storedParts(inner, input);
    if (
      upload === undefined ? known.length === 0 && codec.refuseUnmarked === undefined : isUnchanged(upload)
    ) {
      return completeUnchanged(input, upload);
    }
    const candidates = upload === undefined ? known : parts.flatMap((part) => recordOf(known, part) ?? []);
    let chosen: PartRecord[];
    try {
      chosen = chooseRecords(input.parts, candidates, inner.capabilities.part_bytes_min);
    } catch (error) {
      throw not_found ?? error;
    }
    // Of an upload that was completed before, the adapter below knows the answer, or that there is none.
    const content = contentOfParts(piecesOf(codec, chosen), upload?.checksum ?? null);
    if (upload !== undefined) {
      requireSize(input.size_bytes, content.size_bytes);
      requireChecksum(input.checksum, content.checksum, chosen.length, upload.checksum);
    }
    const condition = upload && (await conditions.forWrite(input, input.condition));
    const stored = await inner.completeUpload({
      ...addressOf(input),
      parts: chosen.map(storedPart),
      ...(condition && { condition }),
    });
    if (upload === undefined) {
      const again = await contents.of({ bucket: input.bucket, info: stored, signal: input.signal });
      return shownInfo(names, stored, again);
    }
    contents.remember(input.bucket, input.key, stored.etag, content);
    return shownInfo(names, stored, content);
  };

  /** Through the node, unless both sides lie upstream as clients see them. */
  const copyPart = async (input: CopyPartInput) => {
    const { source, ...target } = input;
    const { unchanged } = await begunOf(input);
    const { condition, ...address } = source;
    const call = input.signal && { signal: input.signal };
    if (unchanged) {
      const { bucket, key, version_id } = source;
      const found = await conditions.find({
        bucket,
        key,
        ...(version_id !== undefined && { version_id }),
        ...call,
      });
      if (found?.content === null) {
        evaluateSourceCondition(found.shown, condition);
        return inner.copyPart({
          ...input,
          source: { ...address, condition: { if_match: [found.stored.etag] } },
        });
      }
    }
    const { info, range, body } = await reads.get({ ...address, ...call });
    evaluateSourceCondition(info, condition);
    const size_bytes = rangeBytes(range, info);
    const part = await uploadPart({ ...target, body, size_bytes });
    return { ...part, source_version_id: info.version_id };
  };

  return {
    async create(input) {
      const unchanged = !codec.takes(input.attributes?.headers);
      const system = { ...input.attributes?.system, [names.mark]: OF_PARTS };
      const upload = await inner.createUpload(
        unchanged ? input : { ...input, attributes: { ...input.attributes, system } },
      );
      known_uploads.set(nameOf({ ...input, upload_id: upload.upload_id }), {
        checksum: upload.checksum,
        unchanged,
      });
      return shown(upload);
    },
    uploadPart,
    copyPart,
    async listParts(input) {
      const page = await inner.listParts(input);
      const upload = shown(page.upload);
      if (isUnchanged(page.upload)) return { ...page, upload };
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
      if (known_uploads.get(nameOf(input))?.unchanged !== true) await records.drop(input);
    },
    async list(input) {
      const { entries, next } = await inner.listUploads(input);
      const shownEntry = (entry: ListEntry<UploadInfo>): ListEntry<UploadInfo> =>
        entry.type === 'item' ? { type: 'item', item: shown(entry.item) } : entry;
      return { entries: entries.map(shownEntry), next };
    },
  };
}

function addressOf({ bucket, key, upload_id, signal }: UploadAddress): UploadAddress {
  return { bucket, key, upload_id, ...(signal && { signal }) };
}

function piecesOf(codec: Codec, records: readonly PartRecord[]): DigestedPiece[] {
  let stored_at = 0;
  let start = 0;
  return records.map(({ part_number, reference, digests }) => {
    const { size_bytes } = digests;
    const form = { kind: 'part', reference, size_bytes } as const;
    const piece = { ...form, part_number, stored_at, start, digests };
    stored_at += codec.storedBytes(form);
    start += size_bytes;
    return piece;
  });
}
