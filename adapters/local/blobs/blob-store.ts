import type { Body, BodyExpectation, ChecksumAlgorithm } from '../../contract/index.js';

/**
 * Content-addressed bytes. A blob never changes and is stored once however many objects hold it, apart for each codec.
 * The store knows nothing of objects: the index keeps the records and the reference counts.
 */
export interface BlobStore {
  /**
   * Takes the whole body, hashes it on the way and puts it on disk (or, when small, hands it back to be kept in the
   * index). When it resolves, the bytes are durable; they count for nothing until the index commits a reference.
   * Fails with digest_mismatch, no_space, or what the body threw; then nothing is left behind.
   */
  write(input: WriteBlobInput): Promise<WrittenBlob>;
  /**
   * Bytes `start`..`end` (inclusive). Each block is checked against its CRC32C before it leaves, and against its tag when
   * it is encrypted; a block that differs ends the stream with `corrupt` (subject `object`), and so does a file that is
   * missing or too short. Inline bytes are checked here and now: for them it throws. Chunks are lent (see Body). The file is opened at the first read.
   */
  read(record: BlobRecord, start: number, end: number): Body;
  /** Reads everything and compares SHA-256 and block checksums. */
  verify(record: BlobRecord, signal?: AbortSignal): Promise<boolean>;
  /**
   * Moves a corrupt blob's file aside, out of reach of reads, for a person to look at. It is read once more under the
   * blob's lock, because a new upload of the same content may have healed it: false when it is intact or gone.
   */
  quarantine(record: BlobRecord): Promise<boolean>;
  /**
   * Removes the file of a blob. `still_unreferenced` runs under the blob's own lock, so no writer of the same
   * content can be between its rename and its index commit; when it answers false nothing is removed.
   */
  remove(id: Buffer, still_unreferenced: () => Promise<boolean>): Promise<boolean>;
  /**
   * A bounded slice of the ids of all blob files, ascending from `after` (exclusive). A crash between rename and index
   * commit leaves files that no record knows: those among them that the index does not reference may be `remove`d.
   */
  listFiles(after: Buffer | null, limit: number): Promise<{ ids: Buffer[]; next: Buffer | null }>;
  /** Waits for writes under way. Reads that are open go on to their end. */
  close(): Promise<void>;
}

export interface WriteBlobInput {
  readonly body: Body;
  readonly size_bytes: number;
  readonly expect?: BodyExpectation | undefined;
  /** The object checksum to compute; that of `expect.checksum` when given, else CRC64NVME. */
  readonly algorithm: ChecksumAlgorithm;
  /** Absent: stored as it is. */
  readonly protection?: BlobProtection | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface BlobProtection {
  readonly encrypt: boolean;
  /** Where it saves something. */
  readonly compress: boolean;
}

/** How content is stored: as it is; in frames of which some are compressed; in frames that are encrypted. */
export type BlobCodec = 'plain' | 'packed' | 'sealed';

/** What the index stores of a blob. */
export interface BlobRecord {
  /** 32 bytes that name the file: SHA-256 of the content when the codec is `plain`, else something derived from that. */
  readonly id: Buffer;
  /** Of the content, as are its sizes and ranges everywhere. */
  readonly sha256: Buffer;
  readonly size_bytes: number;
  readonly codec: BlobCodec;
  /** The bytes as stored, when they live inside the index. */
  readonly inline?: Buffer;
  /**
   * CRC32C of each stored block of BLOCK_BYTES (inline bytes are one block), 4 bytes each, big-endian; empty for no bytes,
   * and for files of other codecs than `plain`, which bring theirs along.
   */
  readonly block_crcs: Buffer;
}

export interface WrittenBlob {
  readonly record: BlobRecord;
  readonly md5: Buffer;
  /** Raw (not base64) value of the object checksum. */
  readonly checksum: Buffer;
  /**
   * To be called once, after the index transaction has committed or failed: lets go of the blob's lock. Until then
   * `remove` of the same blob waits.
   */
  release(): void;
}
