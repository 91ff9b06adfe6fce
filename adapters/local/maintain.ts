import type { MaintainInput, MaintainResult } from '../contract/index.js';
import { abortUpload, drainUpload } from './abort-upload.js';
import { dropContent } from './content.js';
import type { LocalContext } from './context.js';
import { type Garbage, listGarbage } from './garbage.js';
import { readGroupedKey, readSequenceKey } from './index/keys.js';
import { META } from './index/tables.js';
import { uploadIdOfRow } from './upload-store.js';

/** What one call does at most, so that serving does not feel it. */
const GARBAGE_PER_CALL = 1_000;
/** Of them at a time: their transactions share commits. */
const GARBAGE_AT_ONCE = 32;
const UPLOADS_PER_CALL = 1_000;
const FILES_PER_CALL = 1_000;
const CHANGES_PER_CALL = 5_000;

export interface Maintenance {
  run(input: MaintainInput): Promise<MaintainResult>;
}

export function createMaintenance(context: LocalContext): Maintenance {
  const walkUploads = createUploadWalk(context);
  const walkFiles = createFileWalk(context);
  return {
    async run(input) {
      const { signal } = input;
      const result = { removed_blobs: 0, freed_bytes: 0 };
      const add = (freed_bytes: number | null) => {
        if (freed_bytes === null) return;
        result.removed_blobs += 1;
        result.freed_bytes += freed_bytes;
      };
      const due = listGarbage(
        context.tables,
        input.now_ms - context.settings.garbage_grace_ms + 1,
        GARBAGE_PER_CALL,
      );
      for (let from = 0; from < due.length && signal?.aborted !== true; from += GARBAGE_AT_ONCE) {
        const slice = due.slice(from, from + GARBAGE_AT_ONCE);
        for (const freed of await Promise.all(slice.map((entry) => collect(context, entry)))) add(freed);
      }
      if (signal?.aborted !== true) await walkUploads(input.now_ms);
      if (signal?.aborted !== true) result.removed_blobs += await walkFiles();
      if (signal?.aborted !== true) await trimChanges(context);
      return result;
    },
  };
}

/** Bytes of the file that went; null when none did. */
async function collect(context: LocalContext, entry: Garbage): Promise<number | null> {
  switch (entry.kind) {
    case 'blob':
      return collectBlob(context, entry);
    case 'manifest':
      await collectManifest(context, entry);
      return null;
    case 'upload':
      await drainUpload(context, entry.key, entry.id, entry.value.readUInt32BE(0));
      return null;
    case 'completed':
      await context.writer.run(() => {
        void context.tables.completed.remove(entry.id);
        void context.tables.garbage.remove(entry.key);
      });
      return null;
  }
}

async function collectBlob(context: LocalContext, entry: Garbage): Promise<number | null> {
  const { tables, writer, blobs } = context;
  let size_bytes = 0;
  const removed = await blobs.remove(entry.id, () =>
    writer.run(() => {
      void tables.garbage.remove(entry.key);
      const row = tables.blobs.get(entry.id);
      // Referred to again in the meantime; when that went too, a later entry stands for it.
      if (row === undefined || row.references > 0 || row.unreferenced_at_ms !== entry.at_ms) return false;
      size_bytes = row.size_bytes;
      void tables.blobs.remove(entry.id);
      return true;
    }),
  );
  return removed ? size_bytes : null;
}

/** The parts go with the time of their object, so that they are due at once. */
async function collectManifest(context: LocalContext, entry: Garbage): Promise<void> {
  const manifest_id = readSequenceKey(entry.id);
  if (context.pins.has(manifest_id)) return;
  const { manifests, tables } = context;
  await context.writer.run((transaction) => {
    void tables.garbage.remove(entry.key);
    const parts = manifests.read(manifest_id);
    if (parts === undefined || manifests.references(manifest_id) > 0) return;
    manifests.remove(manifest_id);
    const then = { ...transaction, now_ms: entry.at_ms };
    for (const part of parts) dropContent(context, then, { ...part, manifest_id: 0 });
  });
}

/** Unfinished uploads have no order in time, so they are looked through a slice at a time, round and round. */
function createUploadWalk(context: LocalContext): (now_ms: number) => Promise<void> {
  let after: Buffer | undefined;
  return async (now_ms) => {
    const { upload_max_age_ms } = context.settings;
    if (upload_max_age_ms === null) return;
    const stale: Buffer[] = [];
    let count = 0;
    let last: Buffer | undefined;
    const options = { ...(after && { start: after, exclusiveStart: true }), limit: UPLOADS_PER_CALL };
    for (const { key, value } of context.tables.uploads.getRange(options)) {
      count += 1;
      last = Buffer.from(key);
      if (now_ms - value.created_at_ms >= upload_max_age_ms) stale.push(last);
    }
    after = count === UPLOADS_PER_CALL ? last : undefined;
    for (const row_key of stale) await abortStale(context, row_key);
  };
}

async function abortStale(context: LocalContext, row_key: Buffer): Promise<void> {
  const bucket_id = row_key.readUInt32BE(0);
  const name = context.buckets.names().find((each) => context.buckets.read(each).id === bucket_id);
  if (name === undefined) return;
  const key = readGroupedKey(row_key).key.toString('utf8');
  await abortUpload(context, { bucket: name, key, upload_id: uploadIdOfRow(row_key) });
}

/**
 * Files that no row knows: a crash came between their rename and the commit. Only a crash leaves such files, so they
 * are looked for once after each start, a slice per call.
 */
function createFileWalk(context: LocalContext): () => Promise<number> {
  const { blobs, tables } = context;
  let after: Buffer | null = null;
  let finished = false;
  return async () => {
    if (finished) return 0;
    const { ids, next } = await blobs.listFiles(after, FILES_PER_CALL);
    let removed = 0;
    for (const id of ids) {
      if (tables.blobs.doesExist(id)) continue;
      // Under the blob's lock: nobody is between the rename and the commit of the same content.
      if (await blobs.remove(id, async () => !tables.blobs.doesExist(id))) removed += 1;
    }
    after = next;
    finished = next === null;
    return removed;
  };
}

async function trimChanges(context: LocalContext): Promise<void> {
  const { tables, settings } = context;
  const { entryCount } = tables.changes.getStats() as { entryCount: number };
  const surplus = Math.min(CHANGES_PER_CALL, entryCount - settings.changes_kept_max);
  if (surplus <= 0) return;
  await context.writer.run(() => {
    const keys = [...tables.changes.getKeys({ limit: surplus })];
    for (const key of keys) void tables.changes.remove(key);
    const last = keys.at(-1);
    if (last !== undefined) void tables.meta.put(META.trimmed, readSequenceKey(Buffer.from(last)));
  });
}
