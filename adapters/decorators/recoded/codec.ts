import {
  type Body,
  type BodyExpectation,
  type Capabilities,
  type ChecksumAlgorithm,
  type ContentHeaders,
  type ResolvedRange,
  StoreError,
} from '../../contract/index.js';

/**
 * What a decorator has to know that stores contents in another form than clients see (encrypted, compressed). The rest of
 * it is the same for all and lies in this folder: what clients are shown, conditions, reads by pieces, copies, uploads.
 */
export interface Codec {
  readonly names: CodecNames;
  /** For what is known of plaintexts and has to lie upstream beside them. */
  readonly sealing: Sealing;
  /** Each piece ends with so many bytes that tell its reference and digests. */
  readonly trailer_bytes: number;
  capabilities(below: Capabilities): Capabilities;
  /** Whether contents of these headers are written in our form; else they go up as they are. */
  takes(headers: ContentHeaders | undefined): boolean;
  encode(input: EncodeInput): Promise<Encoded | Unchanged>;
  /** Fails with `corrupt`. */
  openTrailer(stored: Uint8Array): Trailer;
  /** How long a piece is upstream. */
  storedBytes(piece: Pick<PieceForm, 'kind' | 'reference' | 'size_bytes'>): number;
  /** How to get a range of a piece's plaintext, which is not empty; `fetch` reads what lies elsewhere in the stored piece. */
  locate(piece: PieceForm, range: ResolvedRange, fetch: FetchStored): Promise<Located> | Located;
  /** The plaintext's size, out of what an upstream's listing tells; without it each version has to be asked for. */
  readonly sizeOf?: (listed: Listed) => number;
  /** The error for an object without our mark; without it such objects are shown and read as they are. */
  readonly refuseUnmarked?: () => StoreError;
}

/** Of what brings none, over an upstream that has none: as at AWS. */
export const DEFAULT_CHECKSUM = 'CRC64NVME' satisfies ChecksumAlgorithm;

export interface CodecNames {
  /** System attributes: that a version is of ours (and how), and digests that were known when it was written. */
  readonly mark: string;
  readonly digests: string;
  /** Upstream; for what is known of the parts of unfinished uploads. Made when first needed, hidden from all calls. */
  readonly records_bucket: string;
}

/** `context` must be the same when opened. */
export interface Sealing {
  seal(bytes: Uint8Array, context: string): Buffer;
  /** Fails with `corrupt`. */
  open(sealed: Uint8Array, context: string): Buffer;
}

/** `object`: written in one piece; `part`: one of a multipart upload. */
export type PieceKind = 'object' | 'part';

/** Names the form of one piece: its key, or where its parts lie. Opaque but for the codec; lies in the clear. */
export type Reference = Buffer;

export interface PieceForm {
  readonly kind: PieceKind;
  readonly reference: Reference;
  /** Of the plaintext. */
  readonly size_bytes: number;
}

/** Of a version, in an upstream's listing. */
export interface Listed {
  readonly size_bytes: number;
  readonly etag: string;
}

export interface EncodeInput {
  readonly kind: PieceKind;
  readonly body: Body;
  readonly size_bytes: number;
  readonly expect?: BodyExpectation | undefined;
  readonly algorithm: ChecksumAlgorithm;
  readonly headers?: ContentHeaders | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface Released {
  /** To be called when the body is read, or is not needed any more. */
  release?(): Promise<void>;
}

export interface Encoded extends Released {
  readonly reference: Reference;
  /** As it goes upstream. One that breaks a promise fails with `digest_mismatch`, before its last bytes. */
  readonly body: Body;
  readonly size_bytes: number;
  /** Whether `digests` can be asked for before the body has been read. */
  readonly digests_known: boolean;
  digests(): Digests;
}

/** Of kind `object` only: the body goes up as it came. */
export interface Unchanged extends Released {
  readonly unchanged: Body;
}

export type FetchStored = (range: ResolvedRange) => Promise<Uint8Array>;

interface Located {
  /** Of the stored piece, inclusive. */
  readonly stored: ResolvedRange;
  /** The plaintext of the range. `body` begins where `stored` does; what comes after it is not looked at. */
  open(body: Body): Body | Promise<Body>;
}

/** Of the plaintext of one piece. */
export interface Digests {
  readonly size_bytes: number;
  readonly md5: Buffer;
  readonly sha256: Buffer;
  readonly algorithm: ChecksumAlgorithm;
  readonly checksum: Buffer;
}

export interface Trailer extends Digests {
  readonly reference: Reference;
}

export function notAsWritten(): StoreError {
  return new StoreError('corrupt', 'the stored bytes are not what was written');
}
