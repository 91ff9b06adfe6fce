import { LIMITS } from '../../config/limits.js';
import { type Adapter, type Capabilities, StoreError } from '../contract/index.js';
import { bucketInfo, createBucket, deleteBucket, listBuckets, putVersioning } from './buckets.js';
import { createChangeWaiters, readChanges } from './changes.js';
import type { LocalContext } from './context.js';
import { deleteObject, deleteObjects } from './delete-object.js';
import { deleteDocument, getDocument, putDocument } from './documents.js';
import { listObjects } from './list-objects.js';
import { putObject } from './put-object.js';
import { getObject, headObject } from './read-object.js';
import { getTags, putLegalHold, putRetention, putTags } from './tags-and-locks.js';

function later(): never {
  throw new StoreError('unsupported', 'comes with the next change', { subject: 'adapter' });
}

/** All operations over one open context. `release` gives back what was opened. */
export function createLocalAdapter(context: LocalContext, release: () => Promise<void>): Adapter {
  const waiters = createChangeWaiters(context);
  return {
    name: context.name,
    capabilities: capabilitiesOf(context),
    createBucket: (input) => createBucket(context, input),
    headBucket: async (input) => bucketInfo(context.buckets.read(input.bucket)),
    deleteBucket: (input) => deleteBucket(context, input.bucket),
    listBuckets: async (input) => listBuckets(context, input),
    putVersioning: (input) => putVersioning(context, input.bucket, input.versioning),
    getDocument: async (input) => getDocument(context, input),
    putDocument: (input) => putDocument(context, input),
    deleteDocument: (input) => deleteDocument(context, input),
    usage: async (input) =>
      context.usage.read(input.bucket === undefined ? undefined : context.buckets.read(input.bucket).id),
    putObject: (input) => putObject(context, input),
    getObject: (input) => getObject(context, input),
    headObject: (input) => headObject(context, input),
    deleteObject: (input) => deleteObject(context, input),
    deleteObjects: (input) => deleteObjects(context, input),
    copyObject: async () => later(),
    listObjects: (input) => listObjects(context, input),
    verifyObject: async () => later(),
    listVersions: async () => later(),
    getTags: async (input) => getTags(context, input),
    putTags: (input) => putTags(context, input),
    putRetention: (input) => putRetention(context, input),
    putLegalHold: (input) => putLegalHold(context, input),
    createUpload: async () => later(),
    uploadPart: async () => later(),
    copyPart: async () => later(),
    listParts: async () => later(),
    listUploads: async () => later(),
    completeUpload: async () => later(),
    abortUpload: async () => later(),
    listObjectParts: async () => later(),
    readChanges: async (input) => readChanges(context, input),
    waitForChange: ({ after, signal }) => waiters.wait(after, signal),
    maintain: async () => ({ removed_blobs: 0, freed_bytes: 0 }),
    close: async () => {
      waiters.close();
      await release();
    },
  };
}

function capabilitiesOf(context: LocalContext): Capabilities {
  return {
    conditional_put: true,
    conditional_delete: true,
    versioning: true,
    object_lock: true,
    tagging: true,
    multipart: true,
    bucket_documents: true,
    change_feed: true,
    usage: true,
    checksums: ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'],
    part_bytes_min: context.settings.part_bytes_min,
    part_bytes_max: LIMITS.part_bytes_max,
    parts_max: LIMITS.parts_max,
    object_bytes_max: LIMITS.object_bytes_max,
    put_bytes_max: LIMITS.put_bytes_max,
    delete_batch_max: LIMITS.delete_batch_max,
    list_limit_max: LIMITS.list_keys_max,
    key_bytes_max: LIMITS.key_bytes_max,
  };
}
