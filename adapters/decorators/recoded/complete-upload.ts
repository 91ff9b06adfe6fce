import type { Adapter, CompleteUploadInput, ObjectInfo, UploadInfo } from '../../contract/index.js';
import { requireChecksum, requireSize } from '../../multipart-rules.js';
import { chooseRecords, recordOf, storedPart, storedParts } from './chosen-parts.js';
import type { Codec } from './codec.js';
import type { Conditions } from './conditions.js';
import { contentOfParts, type DigestedPiece, shownInfo } from './content.js';
import type { Contents } from './contents.js';
import type { KnownUploads } from './known-uploads.js';
import type { PartRecord } from './part-record.js';
import type { PartRecords } from './part-records.js';

interface CompletionParts {
  readonly inner: Adapter;
  readonly codec: Codec;
  readonly contents: Contents;
  readonly conditions: Conditions;
  readonly records: PartRecords;
  readonly uploads: KnownUploads;
}

/** Clients name parts by ETags of plaintexts; the records tell which ones the upstream has to be told. */
export function createCompletion(
  given: CompletionParts,
): (input: CompleteUploadInput) => Promise<ObjectInfo> {
  const { inner, codec, contents, conditions, records, uploads } = given;
  const { names } = codec;

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

  return async (input) => {
    const known = uploads.isKnownUnchanged(input) ? [] : await records.list(input);
    const { upload, parts, not_found } = await storedParts(inner, input);
    if (
      upload === undefined
        ? known.length === 0 && codec.refuseUnmarked === undefined
        : uploads.isUnchanged(upload)
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
      bucket: input.bucket,
      key: input.key,
      upload_id: input.upload_id,
      signal: input.signal,
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
