import {
  type Adapter,
  type ChecksumAlgorithm,
  type CompletedPart,
  isStoreError,
  type PartInfo,
  type StoreError,
  type UploadAddress,
  type UploadInfo,
} from '../../contract/index.js';
import { chooseParts, requirePartAlgorithm, requirePartOrder } from '../../multipart-rules.js';
import { DEFAULT_CHECKSUM } from './codec.js';
import { checksumOf, type Declared } from './content.js';
import type { PartRecord } from './part-record.js';

export function partAlgorithm(declared: Declared, asked: ChecksumAlgorithm | undefined): ChecksumAlgorithm {
  requirePartAlgorithm(declared?.algorithm, asked);
  return declared?.algorithm ?? asked ?? DEFAULT_CHECKSUM;
}

interface StoredParts {
  readonly parts: readonly PartInfo[];
  readonly upload?: UploadInfo;
  /** The upload is not there, or was completed before. */
  readonly not_found?: StoreError;
}

export async function storedParts(
  inner: Adapter,
  { bucket, key, upload_id, signal }: UploadAddress,
): Promise<StoredParts> {
  const address = { bucket, key, upload_id, ...(signal && { signal }) };
  const parts: PartInfo[] = [];
  const limit = inner.capabilities.list_limit_max;
  try {
    for (let after: number | undefined; ; ) {
      const page = await inner.listParts({
        ...address,
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

/** The records of the parts that a completion names. Errors: those of the rules. */
export function chooseRecords(
  named: readonly CompletedPart[],
  known: readonly PartRecord[],
  part_bytes_min: number,
): PartRecord[] {
  requirePartOrder(named);
  const by_number = new Map<number, PartRecord[]>();
  for (const record of known) {
    by_number.set(record.part_number, [...(by_number.get(record.part_number) ?? []), record]);
  }
  return chooseParts(named, {
    find: (part) => by_number.get(part.part_number)?.find((candidate) => isSame(candidate, part)),
    sizeOf: ({ digests }) => digests.size_bytes,
    part_bytes_min,
  });
}

function isSame({ digests }: PartRecord, asked: CompletedPart): boolean {
  if (digests.md5.toString('hex') !== asked.etag) return false;
  if (asked.checksum === undefined) return true;
  const { algorithm, value } = checksumOf(digests);
  return asked.checksum.algorithm === algorithm && asked.checksum.value === value;
}

export function storedPart({ part_number, stored_etag, stored_checksum }: PartRecord): CompletedPart {
  if (stored_checksum === null) return { part_number, etag: stored_etag };
  const { algorithm, value } = stored_checksum;
  return { part_number, etag: stored_etag, checksum: { algorithm, value } };
}

/** Parts without a record are those whose upload nobody was told of. */
export function recordOf(known: readonly PartRecord[], part: PartInfo): PartRecord | undefined {
  return known.find(
    ({ part_number, stored_etag }) => part_number === part.part_number && stored_etag === part.etag,
  );
}
