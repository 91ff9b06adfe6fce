import type { BlobProtection, WrittenBlob } from './blobs/blob-store.js';
import { abandonContents, ownContent, readContent, type StoredContent } from './content.js';
import type { LocalContext } from './context.js';
import type { PartRecord } from './index/content-records.js';
import type { ObjectRecord } from './index/records.js';
import type { WriteTransaction } from './index/writer.js';
import { mayShareIn } from './protection.js';
import { DEFAULT_ALGORITHM } from './put-object.js';
import { readManifest } from './read-object.js';

/** What a version's record says of its content. */
export type ContentFields = Pick<ObjectRecord, 'content' | 'codec' | 'sha256' | 'blob_id' | 'manifest_id'>;

/** The content of a version, written once more as another bucket wants it stored. */
export interface Recoded {
  readonly written: readonly WrittenBlob[];
  /** Puts it under a new owner. Inside a transaction. */
  store(transaction: WriteTransaction, sequence: number): ContentFields;
}

/** Whether a copy in `bucket` may hold on to the very bytes of its source. */
export function mayShareContent(context: LocalContext, bucket: string, source: ObjectRecord): boolean {
  if (source.content !== 'manifest') return mayShareOne(context, bucket, source);
  return readManifest(context, source).every((part) => mayShareOne(context, bucket, part));
}

function mayShareOne(
  context: LocalContext,
  bucket: string,
  { content, codec }: ObjectRecord | PartRecord,
): boolean {
  return content === 'empty' || mayShareIn(context, bucket, codec);
}

export async function recodeContent(
  context: LocalContext,
  source: ObjectRecord,
  protection: BlobProtection | undefined,
  signal: AbortSignal | undefined,
): Promise<Recoded> {
  const release = context.pins.take(source.manifest_id);
  const written: WrittenBlob[] = [];
  const parts = source.content === 'manifest' ? readManifest(context, source) : null;
  try {
    for (const owner of parts ?? [source]) {
      written.push(await rewrite(context, owner, protection, signal));
    }
  } catch (error) {
    await abandonContents(context, written);
    throw error;
  } finally {
    release();
  }
  return { written, store: (transaction, sequence) => store(context, transaction, sequence, parts, written) };
}

function rewrite(
  context: LocalContext,
  owner: StoredContent,
  protection: BlobProtection | undefined,
  signal: AbortSignal | undefined,
): Promise<WrittenBlob> {
  return context.blobs.write({
    body: context.blobs.read(readContent(context, owner), 0, owner.size_bytes - 1),
    size_bytes: owner.size_bytes,
    algorithm: DEFAULT_ALGORITHM,
    ...(owner.sha256 === null ? {} : { expect: { sha256: owner.sha256 } }),
    protection,
    signal,
  });
}

function store(
  context: LocalContext,
  transaction: WriteTransaction,
  sequence: number,
  parts: readonly PartRecord[] | null,
  written: readonly WrittenBlob[],
): ContentFields {
  const records = written.map(({ record }) => record);
  const [only] = records;
  if (parts === null && only !== undefined) {
    return { ...ownContent(context, only, sequence), manifest_id: 0 };
  }
  const copies = (parts ?? []).flatMap((part, index): PartRecord[] => {
    const record = records[index];
    const own = transaction.nextSequence();
    return record === undefined ? [] : [{ ...part, ...ownContent(context, record, own), sequence: own }];
  });
  context.manifests.add(sequence, copies);
  return { content: 'manifest', codec: 'plain', sha256: null, blob_id: null, manifest_id: sequence };
}
