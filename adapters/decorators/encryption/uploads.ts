import { LRUCache } from 'lru-cache';
import { LIMITS } from '../../../config/limits.js';
import { evaluateSourceCondition } from '../../conditions.js';
import {
  type Adapter,
  type ChecksumAlgorithm,
  type CompletedPart,
  type CompleteUploadInput,
  type CopyPartInput,
  type CreateUploadInput,
  isStoreError,
  type ListPartsInput,
  type ListPartsResult,
  type ObjectInfo,
  type PartInfo,
  StoreError,
  type UploadAddress,
  type UploadInfo,
  type UploadPartInput,
} from '../../contract/index.js';
import type { Conditions } from './conditions.js';
import {
  type Content,
  checksumOf,
  contentOfParts,
  type Declared,
  type DigestedPiece,
  MARK,
  OF_PARTS,
  shownInfo,
  shownPart,
} from './content.js';
import type { Contents } from './contents.js';
import { PART_EXTRA_BYTES } from './format.js';
import type { Keys } from './keys.js';
import type { PartRecord, PartRecords } from './part-records.js';
import type { Reads } from './reads.js';
import { seal } from './seal.js';

export interface Uploads {
  create(input: CreateUploadInput): Promise<UploadInfo>;
  uploadPart(input: UploadPartInput): Promise<PartInfo>;
  copyPart(input: CopyPartInput): Promise<PartInfo & { readonly source_version_id: string }>;
  listParts(input: ListPartsInput): Promise<ListPartsResult>;
  complete(input: CompleteUploadInput): Promise<ObjectInfo>;
  abort(input: UploadAddress): Promise<void>;
}

export interface UploadParts {
  readonly inner: Adapter;
  readonly keys: Keys;
  readonly contents: Contents;
  readonly conditions: Conditions;
  readonly records: PartRecords;
  readonly reads: Reads;
}

export function createUploads({ inner, keys, contents, conditions, records, reads }: UploadParts): Uploads {
  /** Said when the upload began, and the same until its end. */
  const declarations = new LRUCache<string, { readonly checksum: Declared }>({
    max: LIMITS.encryption_known_uploads_max,
  });
  const declaredOf = async (input: UploadAddress): Promise<Declared> => {
    const name = JSON.stringify([input.bucket, input.key, input.upload_id]);
    const known = declarations.get(name);
    if (known !== undefined) return known.checksum;
    const { checksum } = (await inner.listParts({ ...addressOf(input), limit: 1 })).upload;
    declarations.set(name, { checksum });
    return checksum;
  };

  const uploadPart = async (input: UploadPartInput): Promise<PartInfo> => {
    const { expect, body, size_bytes, part_number } = input;
    const declared = await declaredOf(input);
    const algorithm = partAlgorithm(declared, expect?.checksum?.algorithm);
    const sealed = seal(keys, { kind: 'part', body, size_bytes, expect, algorithm });
    const part = await inner.uploadPart({
      ...addressOf(input),
      part_number,
      body: sealed.body,
      size_bytes: sealed.size_bytes,
      ...(declared && { expect: { checksum: { algorithm: declared.algorithm } } }),
    });
    const { etag: stored_etag, checksum: stored_checksum } = part;
    const digests = sealed.digests();
    const { reference } = sealed;
    await records.add(input, { part_number, stored_etag, stored_checksum, reference, digests });
    return shownPart(part, digests);
  };

  /** Parts without a record are those whose upload nobody was told of. */
  const recordOf = (known: readonly PartRecord[], part: PartInfo): PartRecord | undefined =>
    known.find(
      ({ part_number, stored_etag }) => part_number === part.part_number && stored_etag === part.etag,
    );

  const complete = async (input: CompleteUploadInput): Promise<ObjectInfo> => {
    const known = await records.list(input);
    const { upload, parts, not_found } = await storedParts(inner, input);
    const candidates = upload === undefined ? known : parts.flatMap((part) => recordOf(known, part) ?? []);
    let chosen: PartRecord[];
    try {
      chosen = chooseParts(input.parts, candidates, inner.capabilities.part_bytes_min);
    } catch (error) {
      throw not_found ?? error;
    }
    // Of an upload that was completed before, the adapter below knows the answer, or that there is none.
    const content = contentOfParts(piecesOf(chosen), upload?.checksum ?? null);
    if (upload !== undefined) requirePromises(input, content, upload.checksum);
    const condition = upload && (await conditions.forWrite(input, input.condition));
    const stored = await inner.completeUpload({
      ...addressOf(input),
      parts: chosen.map(storedPart),
      ...(condition && { condition }),
    });
    if (upload === undefined) {
      const again = await contents.of({ bucket: input.bucket, info: stored, signal: input.signal });
      return shownInfo(stored, again);
    }
    contents.remember(input.bucket, input.key, stored.etag, content);
    return shownInfo(stored, content);
  };

  return {
    create: (input) =>
      inner.createUpload({
        ...input,
        attributes: { ...input.attributes, system: { ...input.attributes?.system, [MARK]: OF_PARTS } },
      }),
    uploadPart,
    async copyPart(input) {
      const { source, ...target } = input;
      await declaredOf(input);
      const { condition, ...address } = source;
      const call = input.signal && { signal: input.signal };
      const { info, range, body } = await reads.get({ ...address, ...call });
      evaluateSourceCondition(info, condition);
      const size_bytes = range === null ? info.size_bytes : range.end - range.start + 1;
      const part = await uploadPart({ ...target, body, size_bytes });
      return { ...part, source_version_id: info.version_id };
    },
    async listParts(input) {
      const page = await inner.listParts(input);
      const known = page.parts.length === 0 ? [] : await records.list(input);
      const parts = page.parts.flatMap((part) => {
        const record = recordOf(known, part);
        return record === undefined ? [] : [shownPart(part, record.digests)];
      });
      return { ...page, parts };
    },
    complete,
    async abort(input) {
      await inner.abortUpload(input);
      await records.drop(input);
    },
  };
}

function addressOf({ bucket, key, upload_id, signal }: UploadAddress): UploadAddress {
  return { bucket, key, upload_id, ...(signal && { signal }) };
}

/** An upload that was begun with an algorithm takes no other; else a part brings its own. */
function partAlgorithm(declared: Declared, asked: ChecksumAlgorithm | undefined): ChecksumAlgorithm {
  if (declared !== null && asked !== undefined && declared.algorithm !== asked) {
    throw new StoreError('invalid', `the upload was begun with ${declared.algorithm} checksums`, {
      subject: 'part',
      detail: { algorithm: declared.algorithm, actual: asked },
    });
  }
  return declared?.algorithm ?? asked ?? 'CRC64NVME';
}

interface StoredParts {
  readonly parts: readonly PartInfo[];
  readonly upload?: UploadInfo;
  /** The upload is not there, or was completed before. */
  readonly not_found?: StoreError;
}

async function storedParts(inner: Adapter, input: UploadAddress): Promise<StoredParts> {
  const parts: PartInfo[] = [];
  const limit = inner.capabilities.list_limit_max;
  try {
    for (let after: number | undefined; ; ) {
      const page = await inner.listParts({
        ...addressOf(input),
        limit,
        ...(after !== undefined && { after }),
      });
      parts.push(...page.parts);
      if (page.next === null) return { parts, upload: page.upload };
      after = page.next;
    }
  } catch (error) {
    if (isStoreError(error, 'not_found') && error.subject === 'upload')
      return { parts: [], not_found: error };
    throw error;
  }
}

/** S3 API reference, "CompleteMultipartUpload", errors. */
function chooseParts(
  asked: readonly CompletedPart[],
  known: readonly PartRecord[],
  part_bytes_min: number,
): PartRecord[] {
  if (asked.length === 0) throw new StoreError('invalid', 'an upload is completed with at least one part');
  if (asked.some(({ part_number }, index) => part_number <= (asked[index - 1]?.part_number ?? 0))) {
    throw new StoreError('invalid_part_order', 'part numbers have to rise', { subject: 'part' });
  }
  const by_number = new Map<number, PartRecord[]>();
  for (const record of known) {
    by_number.set(record.part_number, [...(by_number.get(record.part_number) ?? []), record]);
  }
  const chosen = asked.map((part) => {
    const record = by_number.get(part.part_number)?.find((candidate) => isSame(candidate, part));
    if (record !== undefined) return record;
    throw new StoreError('invalid_part', `part ${part.part_number} is not there or another one`, {
      subject: 'part',
      detail: { part_number: part.part_number, etag: part.etag },
    });
  });
  for (const { part_number, digests } of chosen.slice(0, -1)) {
    const { size_bytes } = digests;
    if (size_bytes >= part_bytes_min) continue;
    throw new StoreError('part_too_small', `part ${part_number} has only ${size_bytes} bytes`, {
      subject: 'part',
      detail: { part_number, etag: digests.md5.toString('hex'), size_bytes, part_bytes_min },
    });
  }
  return chosen;
}

function isSame({ digests }: PartRecord, asked: CompletedPart): boolean {
  if (digests.md5.toString('hex') !== asked.etag) return false;
  if (asked.checksum === undefined) return true;
  const { algorithm, value } = checksumOf(digests);
  return asked.checksum.algorithm === algorithm && asked.checksum.value === value;
}

function piecesOf(records: readonly PartRecord[]): DigestedPiece[] {
  let stored_at = 0;
  let start = 0;
  return records.map(({ part_number, reference, digests }) => {
    const { size_bytes } = digests;
    const piece = { kind: 'part', part_number, reference, stored_at, start, size_bytes, digests } as const;
    stored_at += size_bytes + PART_EXTRA_BYTES;
    start += size_bytes;
    return piece;
  });
}

function storedPart({ part_number, stored_etag, stored_checksum }: PartRecord): CompletedPart {
  if (stored_checksum === null) return { part_number, etag: stored_etag };
  const { algorithm, value } = stored_checksum;
  return { part_number, etag: stored_etag, checksum: { algorithm, value } };
}

/** What the client knows of the whole object; a composite checksum may come with or without `-N`. */
function requirePromises(input: CompleteUploadInput, content: Content, declared: Declared): void {
  const { size_bytes, checksum: expected } = input;
  if (size_bytes !== undefined && size_bytes !== content.size_bytes) {
    throw new StoreError('digest_mismatch', `the parts have ${content.size_bytes} bytes together`, {
      detail: { algorithm: 'size', size_bytes: content.size_bytes },
    });
  }
  if (expected === undefined) return;
  if (declared !== null && declared.type !== expected.type) {
    throw new StoreError('invalid', `the upload was begun with ${declared.type} checksums`, {
      detail: { type: declared.type },
    });
  }
  const { checksum, parts_count } = content;
  const bare = (value: string): string => value.replace(new RegExp(`-${parts_count}$`), '');
  if (
    checksum?.algorithm === expected.algorithm &&
    checksum.type === expected.type &&
    bare(checksum.value) === bare(expected.value)
  ) {
    return;
  }
  throw new StoreError('digest_mismatch', `the object has another ${expected.algorithm} checksum`, {
    detail: { algorithm: expected.algorithm },
  });
}
