import {
  type Adapter,
  type ChecksumAlgorithm,
  type CompletedPart,
  type CompleteUploadInput,
  isStoreError,
  type PartInfo,
  StoreError,
  type UploadAddress,
  type UploadInfo,
} from '../../contract/index.js';
import { type Content, checksumOf, type Declared } from './content.js';
import type { PartRecord } from './part-records.js';

/** An upload that was begun with an algorithm takes no other; else a part brings its own. */
export function partAlgorithm(declared: Declared, asked: ChecksumAlgorithm | undefined): ChecksumAlgorithm {
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

/** S3 API reference, "CompleteMultipartUpload", errors. */
export function chooseParts(
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

export function storedPart({ part_number, stored_etag, stored_checksum }: PartRecord): CompletedPart {
  if (stored_checksum === null) return { part_number, etag: stored_etag };
  const { algorithm, value } = stored_checksum;
  return { part_number, etag: stored_etag, checksum: { algorithm, value } };
}

/** What the client knows of the whole object; a composite checksum may come with or without `-N`. */
export function requirePromises(input: CompleteUploadInput, content: Content, declared: Declared): void {
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
