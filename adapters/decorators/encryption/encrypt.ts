import {
  type Adapter,
  type Capabilities,
  type Change,
  isStoreError,
  type ListEntry,
  StoreError,
  type VersionEntry,
} from '../../contract/index.js';
import { forwarding } from '../../forwarding.js';
import { aroundCalls } from '../around.js';
import { createConditions } from './conditions.js';
import { createContents } from './contents.js';
import { PART_EXTRA_BYTES, partsOfEtag, plainBytes, plainBytesMax } from './format.js';
import { type Keyring, openKeyring } from './keys.js';
import { createPartRecords } from './part-records.js';
import { createReads, type Reads } from './reads.js';
import { createUploads } from './uploads.js';
import { createWrites } from './writes.js';

export interface EncryptionOptions extends Keyring {
  /** Upstream; for what is known of the parts of unfinished uploads. Made when first needed, hidden from all calls. */
  readonly records_bucket: string;
}

/**
 * Encrypts contents before they leave the node: AES-256-GCM in frames, each piece under a key of its own that is derived
 * from one of the keyring. The upstream sees keys of objects, attributes, tags and rough sizes, and no content. Clients
 * see sizes, ETags and checksums of what they wrote; listings of an upstream that lists no attributes show a made-up ETag
 * (never an MD5) for objects that this process has not looked at.
 */
export function encrypt(inner: Adapter, options: EncryptionOptions): Adapter {
  const keys = openKeyring(options);
  const contents = createContents(inner, keys);
  const conditions = createConditions(inner, contents);
  const reads = createReads(inner, contents, keys);
  const writes = createWrites({ inner, keys, contents, conditions, reads });
  const records = createPartRecords(inner, keys, options.records_bucket);
  const uploads = createUploads({ inner, keys, contents, conditions, records, reads });
  const adapter: Adapter = {
    ...forwarding(inner),
    capabilities: capabilitiesOf(inner.capabilities),
    putObject: writes.put,
    getObject: reads.get,
    headObject: reads.head,
    copyObject: writes.copy,
    createUpload: uploads.create,
    uploadPart: uploads.uploadPart,
    copyPart: uploads.copyPart,
    listParts: uploads.listParts,
    completeUpload: uploads.complete,
    abortUpload: uploads.abort,
    listObjectParts: reads.listParts,
    deleteObject: async (input) => {
      const condition = await conditions.forDelete(input, input.condition);
      const { condition: _asked, ...rest } = input;
      return inner.deleteObject({ ...rest, ...(condition && { condition }) });
    },
    deleteObjects: async (input) => deleteObjects(inner, conditions, input),
    listObjects: async (input) => {
      const { entries, next } = await inner.listObjects(input);
      return {
        entries: entries.map((entry) => shownEntry(entry, (info) => contents.shown(input.bucket, info))),
        next,
      };
    },
    listVersions: async (input) => {
      const { entries, next } = await inner.listVersions(input);
      const shown = (item: VersionEntry): VersionEntry =>
        item.delete_marker ? item : { delete_marker: false, ...contents.shown(input.bucket, item) };
      return { entries: entries.map((entry) => shownEntry(entry, shown)), next };
    },
    verifyObject: (input) => verify(inner, reads, input),
    listBuckets: async (input) => {
      const { buckets, next } = await inner.listBuckets(input);
      return { buckets: buckets.filter(({ name }) => name !== options.records_bucket), next };
    },
    readChanges: async (input) => {
      const page = await inner.readChanges(input);
      const changes = page.changes
        .filter(({ bucket }) => bucket !== options.records_bucket)
        .map((change) => shownChange(change, contents.known(change.bucket, change.key, change.etag)));
      return { ...page, changes };
    },
    maintain: async (input) => {
      await records.sweep(input.now_ms, input.signal);
      return inner.maintain(input);
    },
  };
  return hiding(adapter, options.records_bucket);
}

function capabilitiesOf(below: Capabilities): Capabilities {
  return {
    ...below,
    // Sums of stored sizes do not tell those of plaintexts.
    usage: false,
    part_bytes_max: below.part_bytes_max - PART_EXTRA_BYTES,
    put_bytes_max: plainBytesMax(below.put_bytes_max),
    object_bytes_max: below.object_bytes_max - below.parts_max * PART_EXTRA_BYTES,
  };
}

function shownEntry<Item>(entry: ListEntry<Item>, shown: (item: Item) => Item): ListEntry<Item> {
  return entry.type === 'item' ? { type: 'item', item: shown(entry.item) } : entry;
}

function shownChange(
  change: Change,
  content: { readonly etag: string; readonly size_bytes: number } | undefined,
): Change {
  if (change.etag === '') return change;
  if (content !== undefined) return { ...change, etag: content.etag, size_bytes: content.size_bytes };
  const parts_count = partsOfEtag(change.etag);
  return {
    ...change,
    etag: parts_count === null ? `${change.etag}-1` : change.etag,
    size_bytes: plainBytes(change.size_bytes, parts_count) ?? change.size_bytes,
  };
}

async function deleteObjects(
  inner: Adapter,
  conditions: ReturnType<typeof createConditions>,
  input: Parameters<Adapter['deleteObjects']>[0],
) {
  const results: (Awaited<ReturnType<Adapter['deleteObject']>> | { readonly error: Error })[] = [];
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

/** Reads and decrypts all of it: what the upstream thinks of its bytes says nothing of what they were. */
async function verify(inner: Adapter, reads: Reads, input: Parameters<Adapter['verifyObject']>[0]) {
  try {
    const { info, body } = await reads.get(input);
    if (!(body instanceof Uint8Array)) for await (const _chunk of body) input.signal?.throwIfAborted();
    return { intact: true, size_bytes: info.size_bytes };
  } catch (error) {
    if (!isStoreError(error, 'corrupt')) throw error;
    const { info } = await inner.headObject(input);
    const size_bytes = plainBytes(info.size_bytes, partsOfEtag(info.etag)) ?? info.size_bytes;
    return { intact: false, size_bytes };
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
