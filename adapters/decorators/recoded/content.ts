import { createHash } from 'node:crypto';
import type {
  Capabilities,
  ChecksumAlgorithm,
  ObjectChecksum,
  ObjectInfo,
  PartInfo,
  UploadInfo,
} from '../../contract/index.js';
import { checksumOfParts } from '../../multipart-rules.js';
import type { CodecNames, Digests, PieceForm, Reference } from './codec.js';

/** The plaintext of one version: what clients are shown of it. */
export interface Content {
  readonly size_bytes: number;
  readonly etag: string;
  readonly sha256: string | null;
  readonly checksum: ObjectChecksum | null;
  readonly parts_count: number | null;
  readonly pieces: readonly Piece[];
}

export interface Piece extends PieceForm {
  /** 1 for an object of one piece. */
  readonly part_number: number;
  /** Where it begins upstream. */
  readonly stored_at: number;
  /** Where its plaintext begins. */
  readonly start: number;
  readonly checksum: ObjectChecksum | null;
}

export type Declared = UploadInfo['checksum'];

export interface DigestedPiece extends Omit<Piece, 'checksum'> {
  readonly digests: Digests;
}

export function checksumOf({ algorithm, checksum }: Digests): ObjectChecksum {
  return { algorithm, type: 'FULL_OBJECT', value: checksum.toString('base64') };
}

export function contentOfObject(reference: Reference, digests: Digests): Content {
  const { size_bytes } = digests;
  const checksum = checksumOf(digests);
  return {
    size_bytes,
    etag: digests.md5.toString('hex'),
    sha256: digests.sha256.toString('hex'),
    checksum,
    parts_count: null,
    pieces: [{ kind: 'object', part_number: 1, reference, stored_at: 0, start: 0, size_bytes, checksum }],
  };
}

/** S3's ETag of parts: the MD5 of their MD5s, with their number behind it. */
export function contentOfParts(parts: readonly DigestedPiece[], declared: Declared): Content {
  const md5 = createHash('md5');
  for (const { digests } of parts) md5.update(digests.md5);
  return {
    size_bytes: parts.reduce((sum, part) => sum + part.size_bytes, 0),
    etag: `${md5.digest('hex')}-${parts.length}`,
    sha256: null,
    checksum: wholeChecksum(
      parts.map(({ digests }) => digests),
      declared,
    ),
    parts_count: parts.length,
    pieces: parts.map(({ digests, ...piece }) => ({ ...piece, checksum: checksumOf(digests) })),
  };
}

/** Null where the parts brought different ones. */
function wholeChecksum(parts: readonly Digests[], declared: Declared): ObjectChecksum | null {
  const algorithm: ChecksumAlgorithm | undefined = declared?.algorithm ?? parts[0]?.algorithm;
  if (algorithm === undefined || parts.some((part) => part.algorithm !== algorithm)) return null;
  return checksumOfParts(algorithm, declared?.type, parts);
}

/** The value of the mark for objects of parts, each of which tells its reference itself. */
const OF_PARTS = 'parts';
/** The same where clients want a checksum of the parts' values, and the upstream will not remember that. */
const COMPOSITE_OF_PARTS = 'parts-composite';

export function markOfParts(declared: Declared, { checksums }: Capabilities): string {
  const kept = declared === null || checksums.includes(declared.algorithm);
  return !kept && declared.type === 'COMPOSITE' ? COMPOSITE_OF_PARTS : OF_PARTS;
}

export function isOfParts(mark: string | undefined): boolean {
  return mark === OF_PARTS || mark === COMPOSITE_OF_PARTS;
}

/** Of what kind the checksum of the whole is. `stored`: the upstream computed its own in the way that was declared. */
export function declaredOf(
  mark: string | undefined,
  stored: ObjectChecksum | null,
  algorithm: ChecksumAlgorithm | undefined,
): Declared {
  if (algorithm === undefined) return null;
  if (mark === COMPOSITE_OF_PARTS) return { algorithm, type: 'COMPOSITE' };
  return stored?.algorithm === algorithm ? stored : null;
}

type System = ObjectInfo['system'];

/** Without names of ours: the doors above never see them. */
export function shownSystem({ mark, digests }: CodecNames, system: System): System {
  if (system[mark] === undefined && system[digests] === undefined) return system;
  const { [mark]: _mark, [digests]: _digests, ...shown } = system;
  return shown;
}

/** What is shown of a version whose content is known; null: it lies upstream as clients see it. */
export function shownInfo(names: CodecNames, stored: ObjectInfo, content: Content | null): ObjectInfo {
  if (content === null) return stored;
  const { size_bytes, etag, sha256, checksum, parts_count } = content;
  const system = shownSystem(names, stored.system);
  return { ...stored, system, size_bytes, etag, sha256, checksum, parts_count };
}

export function shownPart(
  part: Pick<PartInfo, 'part_number' | 'modified_at_ms'>,
  digests: Digests,
): PartInfo {
  return {
    part_number: part.part_number,
    etag: digests.md5.toString('hex'),
    size_bytes: digests.size_bytes,
    modified_at_ms: part.modified_at_ms,
    checksum: checksumOf(digests),
  };
}
