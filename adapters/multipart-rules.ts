import { combineComposite, combineFullObject } from '../src/wire/checksums.js';
import {
  type ChecksumAlgorithm,
  type ChecksumType,
  type CompletedPart,
  type ObjectChecksum,
  StoreError,
  type UploadInfo,
} from './contract/index.js';

/** What S3 asks of the parts of an upload, whoever keeps them (S3 API reference, "UploadPart", "CompleteMultipartUpload"). */

/** An upload that was begun with an algorithm takes no other; else a part brings its own. */
export function requirePartAlgorithm(
  declared: ChecksumAlgorithm | undefined,
  asked: ChecksumAlgorithm | undefined,
): void {
  if (declared === undefined || asked === undefined || declared === asked) return;
  throw new StoreError('invalid', `the upload was begun with ${declared} checksums`, {
    subject: 'part',
    detail: { algorithm: declared, actual: asked },
  });
}

export function requirePartOrder(named: readonly CompletedPart[]): void {
  if (named.length === 0) throw new StoreError('invalid', 'an upload is completed with at least one part');
  if (named.every(({ part_number }, index) => part_number > (named[index - 1]?.part_number ?? 0))) return;
  throw new StoreError('invalid_part_order', 'part numbers have to rise', { subject: 'part' });
}

export interface PartsAtHand<Part> {
  /** Undefined: there is none of that number, or it is another one. */
  find(named: CompletedPart): Part | undefined;
  sizeOf(part: Part): number;
  /** Of all but the last. */
  readonly part_bytes_min: number;
}

/** Errors: invalid_part, part_too_small. */
export function chooseParts<Part>(named: readonly CompletedPart[], at_hand: PartsAtHand<Part>): Part[] {
  const { find, sizeOf, part_bytes_min } = at_hand;
  const chosen = named.map((each) => {
    const part = find(each);
    if (part !== undefined) return { named: each, part };
    const { part_number, etag } = each;
    throw new StoreError('invalid_part', `part ${part_number} is not there or another one`, {
      subject: 'part',
      detail: { part_number, etag },
    });
  });
  for (const { named: each, part } of chosen.slice(0, -1)) {
    const size_bytes = sizeOf(part);
    if (size_bytes >= part_bytes_min) continue;
    const { part_number, etag } = each;
    throw new StoreError('part_too_small', `part ${part_number} has only ${size_bytes} bytes`, {
      subject: 'part',
      detail: { part_number, etag, size_bytes, part_bytes_min },
    });
  }
  return chosen.map(({ part }) => part);
}

/** The whole object's size as the client knows it. */
export function requireSize(promised: number | undefined, size_bytes: number): void {
  if (promised === undefined || promised === size_bytes) return;
  throw new StoreError('digest_mismatch', `the parts have ${size_bytes} bytes together`, {
    detail: { algorithm: 'size', size_bytes },
  });
}

interface DigestedPart {
  readonly size_bytes: number;
  readonly checksum: Buffer;
}

/** S3 User Guide, "Checking object integrity": of the whole object where CRCs allow it, else of the parts' values. */
export function checksumOfParts(
  algorithm: ChecksumAlgorithm,
  type: ChecksumType | undefined,
  parts: readonly DigestedPart[],
): ObjectChecksum {
  const can_combine = algorithm !== 'SHA1' && algorithm !== 'SHA256';
  if (can_combine && type !== 'COMPOSITE') {
    return { algorithm, type: 'FULL_OBJECT', value: combineFullObject(algorithm, parts).toString('base64') };
  }
  const value = combineComposite(
    algorithm,
    parts.map(({ checksum }) => checksum),
  );
  return { algorithm, type: 'COMPOSITE', value: `${value.toString('base64')}-${parts.length}` };
}

/** The whole object's checksum as the client knows it; a composite value may come with or without `-N`. */
export function requireChecksum(
  promised: ObjectChecksum | undefined,
  actual: ObjectChecksum | null,
  parts_count: number,
  declared: UploadInfo['checksum'],
): void {
  if (promised === undefined) return;
  if (declared !== null && declared.type !== promised.type) {
    throw new StoreError('invalid', `the upload was begun with ${declared.type} checksums`, {
      detail: { type: declared.type },
    });
  }
  const suffix = `-${parts_count}`;
  const bare = (value: string) => (value.endsWith(suffix) ? value.slice(0, -suffix.length) : value);
  const same =
    actual?.algorithm === promised.algorithm &&
    actual.type === promised.type &&
    bare(actual.value) === bare(promised.value);
  if (same) return;
  throw new StoreError('digest_mismatch', `the object has another ${promised.algorithm} checksum`, {
    detail: { algorithm: promised.algorithm },
  });
}
