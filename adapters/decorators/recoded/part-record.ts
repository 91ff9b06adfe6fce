import type { ObjectChecksum } from '../../contract/index.js';
import { type Digests, notAsWritten, type Reference } from './codec.js';
import { readDigests, STORED_DIGESTS_BYTES, writeDigests } from './stored-digests.js';

/** What is known of one part of an unfinished upload. */
export interface PartRecord {
  readonly part_number: number;
  /** The upstream's. */
  readonly stored_etag: string;
  readonly stored_checksum: Pick<ObjectChecksum, 'algorithm' | 'value'> | null;
  readonly reference: Reference;
  readonly digests: Digests;
}

/** All of it but the part's number. */
export type RecordContent = Omit<PartRecord, 'part_number'>;

/**
 * It has to fit into a key, sealed and in Base64, beside what names its upload: Garage takes 471 bytes. So it has a fixed
 * head and only what the upstream says of the part as JSON, because ETags may be any text:
 *
 *   version, size of the plaintext, its digests, length of the reference, reference, upstream's ETag and checksum
 */
const VERSION = 1;
const SIZE_AT = 1;
const DIGESTS_AT = 7;
const LENGTH_AT = DIGESTS_AT + STORED_DIGESTS_BYTES;
const HEAD_BYTES = LENGTH_AT + 1;

export function writeRecord({ stored_etag, stored_checksum, reference, digests }: RecordContent): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head[0] = VERSION;
  head.writeUIntBE(digests.size_bytes, SIZE_AT, DIGESTS_AT - SIZE_AT);
  writeDigests(head, DIGESTS_AT, digests);
  head[LENGTH_AT] = reference.length;
  const { algorithm, value } = stored_checksum ?? {};
  const stored = stored_checksum === null ? [stored_etag] : [stored_etag, algorithm, value];
  return Buffer.concat([head, reference, Buffer.from(JSON.stringify(stored))]);
}

/** Fails with `corrupt`. */
export function readRecord(bytes: Buffer): RecordContent {
  if (bytes[0] !== VERSION || bytes.length < HEAD_BYTES) throw notAsWritten();
  const digests = readDigests(bytes, DIGESTS_AT);
  if (digests === undefined) throw notAsWritten();
  const size_bytes = bytes.readUIntBE(SIZE_AT, DIGESTS_AT - SIZE_AT);
  const end = HEAD_BYTES + bytes.readUInt8(LENGTH_AT);
  return {
    ...readStored(bytes.subarray(end).toString()),
    reference: bytes.subarray(HEAD_BYTES, end),
    digests: { size_bytes, ...digests },
  };
}

/** Where contents are not secret, whoever writes upstream may have written anything. */
function readStored(text: string): Pick<RecordContent, 'stored_etag' | 'stored_checksum'> {
  let stored: unknown;
  try {
    stored = JSON.parse(text);
  } catch {
    throw notAsWritten();
  }
  if (!Array.isArray(stored) || !stored.every((value) => typeof value === 'string')) throw notAsWritten();
  const [stored_etag, algorithm, value] = stored as [string?, ObjectChecksum['algorithm']?, string?];
  if (stored_etag === undefined) throw notAsWritten();
  const has_checksum = algorithm !== undefined && value !== undefined;
  return { stored_etag, stored_checksum: has_checksum ? { algorithm, value } : null };
}
