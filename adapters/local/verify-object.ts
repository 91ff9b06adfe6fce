import type { ObjectAddress, VerifyResult } from '../contract/index.js';
import { blobRecord, readContent, type StoredContent } from './content.js';
import type { LocalContext } from './context.js';
import { sequenceKey } from './index/keys.js';
import { findRecord, readManifest } from './read-object.js';

/** Reads every byte that a version is made of, and takes what is damaged out of the reach of reads. */
export async function verifyObject(context: LocalContext, input: ObjectAddress): Promise<VerifyResult> {
  const { record } = findRecord(context, context.buckets.read(input.bucket), input);
  const owners: readonly StoredContent[] =
    record.content === 'manifest' ? readManifest(context, record) : [record];
  const release = context.pins.take(record.manifest_id);
  try {
    let intact = owners.reduce((sum, owner) => sum + owner.size_bytes, 0) === record.size_bytes;
    for (const owner of owners) {
      input.signal?.throwIfAborted();
      if (!(await verifyContent(context, owner, input.signal))) intact = false;
    }
    return { intact, size_bytes: record.size_bytes };
  } finally {
    release();
  }
}

async function verifyContent(
  context: LocalContext,
  owner: StoredContent,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (owner.content === 'blob') return verifyFile(context, owner, signal);
  if (owner.content === 'small' && !context.tables.small.doesExist(sequenceKey(owner.sequence))) return false;
  return context.blobs.verify(readContent(context, owner), signal);
}

/**
 * A new upload of the same content may heal the file at any moment. So the mark comes first and the file goes aside
 * after it; where that finds the file whole again, the mark is taken back.
 */
async function verifyFile(
  context: LocalContext,
  owner: StoredContent,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { id } = blobRecord(owner, NOTHING);
  const row = context.tables.blobs.get(id);
  if (row === undefined) return false;
  const record = blobRecord(owner, row.block_crcs);
  if (await context.blobs.verify(record, signal)) {
    if (row.corrupt) await markCorrupt(context, id, false);
    return true;
  }
  await markCorrupt(context, id, true);
  if (await context.blobs.quarantine(record)) return false;
  if (!(await context.blobs.verify(record, signal))) return false;
  await markCorrupt(context, id, false);
  return true;
}

const NOTHING = Buffer.alloc(0);

function markCorrupt(context: LocalContext, id: Buffer, corrupt: boolean): Promise<void> {
  return context.writer.run(() => {
    const row = context.tables.blobs.get(id);
    if (row !== undefined) void context.tables.blobs.put(id, { ...row, corrupt });
  });
}
