import { isStoreError, StoreError } from '../contract/index.js';
import { closedError } from '../gate.js';
import type { BlobRecord, WrittenBlob } from './blobs/blob-store.js';
import type { LocalContext } from './context.js';
import { addGarbage } from './garbage.js';
import { sequenceKey } from './index/keys.js';
import { type ContentKind, hasBlobId, type ObjectRecord } from './index/records.js';
import type { WriteTransaction } from './index/writer.js';

/** Where the content of one object or part lies, and who holds on to it. All functions but readContent run inside a transaction. */

/** Puts freshly written content under a new owner. */
function storeContent(
  context: LocalContext,
  record: BlobRecord,
  sequence: number,
): Exclude<ContentKind, 'manifest'> {
  if (record.size_bytes === 0) return 'empty';
  if (record.codec === 'sealed') context.key_use.note();
  if (record.inline !== undefined) {
    const row = { block_crcs: record.block_crcs, content: record.inline };
    void context.tables.small.put(sequenceKey(sequence), row);
    return 'small';
  }
  const row = context.tables.blobs.get(record.id);
  // The blob store has just made sure that its file is whole, so what was corrupt is healed.
  void context.tables.blobs.put(record.id, {
    references: (row?.references ?? 0) + 1,
    corrupt: false,
    size_bytes: record.size_bytes,
    unreferenced_at_ms: 0,
    block_crcs: record.block_crcs,
  });
  return 'blob';
}

/** What the owner's record says of it. `sequence` is the owner's. */
export function ownContent(context: LocalContext, record: BlobRecord, sequence: number) {
  const content = storeContent(context, record, sequence);
  const { codec } = record;
  const blob_id = hasBlobId(content, codec) ? record.id.toString('hex') : null;
  return { content, codec, sha256: record.sha256.toString('hex'), blob_id };
}

type Owner = Pick<ObjectRecord, 'content' | 'sequence' | 'sha256' | 'blob_id' | 'manifest_id'>;

/**
 * Runs the operation that refers to freshly written content, and lets go of the blob's lock after it. Content that no
 * one came to refer to (a condition failed, the upload was aborted) is left to `maintain`.
 */
export async function commitContent<Result>(
  context: LocalContext,
  written: readonly WrittenBlob[],
  operation: (transaction: WriteTransaction) => Result,
): Promise<Result> {
  let result: Result;
  try {
    result = await context.writer.run(operation);
  } catch (error) {
    await abandonContents(context, written);
    throw error;
  }
  for (const each of written) each.release();
  return result;
}

/** Lets go of content that no one is going to refer to. */
export async function abandonContents(context: LocalContext, written: readonly WrittenBlob[]): Promise<void> {
  for (const { record, release } of written) {
    try {
      if (record.inline === undefined) await abandon(context, record);
    } catch (error) {
      // The writer failed or is closed: the walk at the next start finds the file.
      if (!isStoreError(error, 'unavailable')) throw error;
    } finally {
      release();
    }
  }
}

/** A row of its own makes the file known to `maintain`; without it only a walk over all files would find it. */
function abandon(context: LocalContext, record: BlobRecord): Promise<void> {
  const { tables, writer } = context;
  return writer.run(({ now_ms }) => {
    if (tables.blobs.doesExist(record.id)) return;
    const { size_bytes, block_crcs } = record;
    const row = { references: 0, corrupt: false, size_bytes, unreferenced_at_ms: now_ms, block_crcs };
    void tables.blobs.put(record.id, row);
    addGarbage(tables, now_ms, 'blob', record.id);
  });
}

/** Gives a copy its own hold on the content of its source. */
export function shareContent(context: LocalContext, source: Owner, sequence: number): void {
  const { tables } = context;
  switch (source.content) {
    case 'empty':
      return;
    case 'small': {
      const row = tables.small.get(sequenceKey(source.sequence));
      if (row === undefined) throw missing();
      void tables.small.put(sequenceKey(sequence), row);
      return;
    }
    case 'blob':
      addBlobReference(context, blobId(source));
      return;
    case 'manifest':
      if (context.manifests.refer(source.manifest_id, 1) === 0) throw missing();
  }
}

function addBlobReference(context: LocalContext, id: Buffer): void {
  const row = context.tables.blobs.get(id);
  if (row === undefined) throw missing();
  void context.tables.blobs.put(id, { ...row, references: row.references + 1, unreferenced_at_ms: 0 });
}

/** Lets go of the content of a version that is removed. */
export function dropContent(context: LocalContext, transaction: WriteTransaction, owner: Owner): void {
  const { tables } = context;
  if (owner.content === 'small') void tables.small.remove(sequenceKey(owner.sequence));
  else if (owner.content === 'blob') dropBlobReference(context, transaction.now_ms, blobId(owner));
  else if (owner.content === 'manifest')
    dropManifestReference(context, transaction.now_ms, owner.manifest_id);
}

/** `at_ms`: since when nothing refers to it. */
function dropBlobReference(context: LocalContext, at_ms: number, id: Buffer): void {
  const { tables } = context;
  const row = tables.blobs.get(id);
  if (row === undefined) return;
  const references = Math.max(0, row.references - 1);
  void tables.blobs.put(id, { ...row, references, unreferenced_at_ms: references === 0 ? at_ms : 0 });
  if (references === 0) addGarbage(tables, at_ms, 'blob', id);
}

function dropManifestReference(context: LocalContext, at_ms: number, manifest_id: number): void {
  const { manifests, tables } = context;
  if (manifests.references(manifest_id) === 0 || manifests.refer(manifest_id, -1) > 0) return;
  // Its parts may be ten thousand: maintain lets go of them, not the one who deletes.
  addGarbage(tables, at_ms, 'manifest', sequenceKey(manifest_id));
}

function blobId(owner: Pick<ObjectRecord, 'sha256' | 'blob_id'>): Buffer {
  return Buffer.from(owner.blob_id ?? owner.sha256 ?? '', 'hex');
}

export type StoredContent = Pick<
  ObjectRecord,
  'content' | 'codec' | 'sequence' | 'size_bytes' | 'sha256' | 'blob_id'
>;

/** What the blob store needs to read the content. Fails with corrupt when it is known to be damaged. */
export function readContent(context: LocalContext, owner: StoredContent): BlobRecord {
  // A body may outlive its call.
  if (context.gate.closed) throw closedError();
  const { tables } = context;
  if (owner.content === 'empty') return blobRecord(owner, EMPTY, EMPTY);
  if (owner.content === 'small') {
    const row = tables.small.get(sequenceKey(owner.sequence));
    if (row === undefined) throw missing();
    return blobRecord(owner, row.block_crcs, row.content);
  }
  const row = tables.blobs.get(blobId(owner));
  if (row === undefined) throw missing();
  if (row.corrupt) throw corrupt();
  return blobRecord(owner, row.block_crcs);
}

export function blobRecord(owner: StoredContent, block_crcs: Buffer, inline?: Buffer): BlobRecord {
  const { codec, size_bytes, blob_id } = owner;
  const sha256 = Buffer.from(owner.sha256 ?? '', 'hex');
  const id = blob_id === null ? sha256 : Buffer.from(blob_id, 'hex');
  if (inline === undefined) return { id, sha256, size_bytes, codec, block_crcs };
  return { id, sha256, size_bytes, codec, inline, block_crcs };
}

const EMPTY = Buffer.alloc(0);

function corrupt(): StoreError {
  return new StoreError('corrupt', 'the stored bytes no longer match their digest');
}

export function missing(): StoreError {
  return new StoreError('corrupt', 'the content of the object is missing');
}
