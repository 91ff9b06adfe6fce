import {
  type Adapter,
  type DeleteObjectResult,
  isStoreError,
  type ListEntry,
  type ObjectInfo,
  StoreError,
  type VersionEntry,
} from '../../contract/index.js';
import { forwarding } from '../../forwarding.js';
import { aroundCalls } from '../around.js';
import type { Codec } from './codec.js';
import { type Conditions, createConditions } from './conditions.js';
import { type Contents, createContents } from './contents.js';
import { createListings } from './listings.js';
import { createPartRecords } from './part-records.js';
import { createReads, type Reads } from './reads.js';
import { createUploads } from './uploads.js';
import { createWrites } from './writes.js';

/**
 * An adapter that stores contents in the form of `codec`. Clients see sizes, ETags and checksums of what they wrote, and
 * conditions are about these; the upstream still acts on them in one atomic step.
 */
export function recode(inner: Adapter, codec: Codec): Adapter {
  const { records_bucket } = codec.names;
  const contents = createContents(inner, codec);
  const conditions = createConditions(inner, contents, codec.names);
  const reads = createReads(inner, contents, codec);
  const writes = createWrites({ inner, codec, contents, conditions, reads });
  const records = createPartRecords(inner, codec);
  const uploads = createUploads({ inner, codec, contents, conditions, records, reads });
  const listings = createListings(inner, contents, codec);
  const adapter: Adapter = {
    ...forwarding(inner),
    capabilities: codec.capabilities(inner.capabilities),
    putObject: writes.put,
    getObject: reads.get,
    headObject: reads.head,
    copyObject: writes.copy,
    createUpload: uploads.create,
    uploadPart: uploads.uploadPart,
    copyPart: uploads.copyPart,
    listParts: uploads.listParts,
    listUploads: uploads.list,
    completeUpload: uploads.complete,
    abortUpload: uploads.abort,
    listObjectParts: reads.listParts,
    deleteObject: async (input) => {
      const condition = await conditions.forDelete(input, input.condition);
      const { condition: _asked, ...rest } = input;
      return inner.deleteObject({ ...rest, ...(condition && { condition }) });
    },
    deleteObjects: (input) => deleteObjects(inner, conditions, input),
    listObjects: async (input) => {
      const { entries, next } = await inner.listObjects(input);
      const show = (info: ObjectInfo) => listings.latest(input, info);
      return { entries: await shownEntries(entries, show), next };
    },
    listVersions: async (input) => {
      const { entries, next } = await inner.listVersions(input);
      const show = async (item: VersionEntry): Promise<VersionEntry | undefined> => {
        if (item.delete_marker) return item;
        const info = await listings.version(input, item);
        return info && { delete_marker: false, ...info };
      };
      return { entries: await shownEntries(entries, show), next };
    },
    verifyObject: (input) => verify({ inner, contents, reads, codec }, input),
    listBuckets: async (input) => {
      const { buckets, next } = await inner.listBuckets(input);
      return { buckets: buckets.filter(({ name }) => name !== records_bucket), next };
    },
    readChanges: async (input) => {
      const page = await inner.readChanges(input);
      const visible = page.changes.filter(({ bucket }) => bucket !== records_bucket);
      return { ...page, changes: await Promise.all(visible.map((change) => listings.change(input, change))) };
    },
    maintain: async (input) => {
      await records.sweep(input.now_ms, input.signal);
      return inner.maintain(input);
    },
  };
  return hiding(adapter, records_bucket);
}

/** Without those that vanished meanwhile. */
async function shownEntries<Item>(
  entries: readonly ListEntry<Item>[],
  show: (item: Item) => Promise<Item | undefined>,
): Promise<ListEntry<Item>[]> {
  const shown = await Promise.all(
    entries.map(async (entry): Promise<ListEntry<Item>[]> => {
      if (entry.type === 'prefix') return [entry];
      const item = await show(entry.item);
      return item === undefined ? [] : [{ type: 'item', item }];
    }),
  );
  return shown.flat();
}

async function deleteObjects(
  inner: Adapter,
  conditions: Conditions,
  input: Parameters<Adapter['deleteObjects']>[0],
) {
  const results: (DeleteObjectResult | { readonly error: Error })[] = [];
  const call = input.signal && { signal: input.signal };
  const translated = await Promise.all(
    input.objects.map(async ({ condition: asked, ...target }) => {
      try {
        const condition = await conditions.forDelete({ ...target, bucket: input.bucket, ...call }, asked);
        return { target: { ...target, ...(condition && { condition }) } };
      } catch (error) {
        if (isStoreError(error)) return { error };
        throw error;
      }
    }),
  );
  const objects = translated.flatMap(({ target }) => (target === undefined ? [] : [target]));
  const deleted = [...(objects.length === 0 ? [] : await inner.deleteObjects({ ...input, objects }))];
  for (const { error } of translated) {
    const result = error === undefined ? deleted.shift() : { error };
    if (result !== undefined) results.push(result);
  }
  return results;
}

interface Verifying {
  readonly inner: Adapter;
  readonly contents: Contents;
  readonly reads: Reads;
  readonly codec: Codec;
}

/** Reads and decodes all that is ours: what the upstream thinks of its bytes says nothing of what they were. */
async function verify(parts: Verifying, input: Parameters<Adapter['verifyObject']>[0]) {
  const { inner, contents, reads, codec } = parts;
  if (codec.refuseUnmarked === undefined) {
    const { info } = await inner.headObject(input);
    if (info.system[codec.names.mark] === undefined) return inner.verifyObject(input);
  }
  try {
    const { info, body } = await reads.get(input);
    if (!(body instanceof Uint8Array)) for await (const _chunk of body) input.signal?.throwIfAborted();
    return { intact: true, size_bytes: info.size_bytes };
  } catch (error) {
    if (!isStoreError(error, 'corrupt')) throw error;
    const { info } = await inner.headObject(input);
    const size_bytes = codec.sizeOf?.(info) ?? (await sizeOf(contents, input.bucket, info));
    return { intact: false, size_bytes };
  }
}

async function sizeOf(contents: Contents, bucket: string, info: ObjectInfo): Promise<number> {
  try {
    return ((await contents.of({ bucket, info })) ?? info).size_bytes;
  } catch (error) {
    if (isStoreError(error, 'corrupt')) return info.size_bytes;
    throw error;
  }
}

/** As if the bucket were not there. */
function hiding(adapter: Adapter, hidden: string): Adapter {
  const shown = aroundCalls(adapter, async (method, input, run) => {
    const { bucket, source } = input as { bucket?: string; source?: { readonly bucket: string } };
    if (bucket !== hidden && source?.bucket !== hidden) return run(input);
    throw method === 'createBucket'
      ? new StoreError('invalid', `the name ${hidden} is reserved`, { subject: 'bucket' })
      : new StoreError('not_found', 'there is no such bucket', { subject: 'bucket' });
  });
  return { ...shown, capabilities: adapter.capabilities };
}
