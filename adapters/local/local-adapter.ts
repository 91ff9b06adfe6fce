import { LIMITS } from '../../config/limits.js';
import type { Adapter, Capabilities } from '../contract/index.js';
import { abortUpload } from './abort-upload.js';
import { bucketInfo, createBucket, deleteBucket, listBuckets, putVersioning } from './buckets.js';
import { createChangeWaiters, readChanges } from './changes.js';
import { completeUpload } from './complete-upload.js';
import type { LocalContext } from './context.js';
import { copyObject } from './copy-object.js';
import { deleteObject, deleteObjects } from './delete-object.js';
import { deleteDocument, getDocument, putDocument } from './documents.js';
import { listObjectParts } from './list-object-parts.js';
import { listObjects } from './list-objects.js';
import { listVersions } from './list-versions.js';
import { createMaintenance } from './maintain.js';
import { putObject } from './put-object.js';
import { getObject, headObject } from './read-object.js';
import { getTags, putLegalHold, putRetention, putTags } from './tags-and-locks.js';
import { copyPart, uploadPart } from './upload-part.js';
import { createUpload, listParts, listUploads } from './uploads.js';
import { verifyObject } from './verify-object.js';

/** All operations over one open context. `release` gives back what was opened. */
export function createLocalAdapter(context: LocalContext, release: () => Promise<void>): Adapter {
  const waiters = createChangeWaiters(context);
  const maintenance = createMaintenance(context);
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
    copyObject: (input) => copyObject(context, input),
    listObjects: (input) => listObjects(context, input),
    verifyObject: (input) => verifyObject(context, input),
    listVersions: (input) => listVersions(context, input),
    getTags: async (input) => getTags(context, input),
    putTags: (input) => putTags(context, input),
    putRetention: (input) => putRetention(context, input),
    putLegalHold: (input) => putLegalHold(context, input),
    createUpload: (input) => createUpload(context, input),
    uploadPart: (input) => uploadPart(context, input),
    copyPart: (input) => copyPart(context, input),
    listParts: (input) => listParts(context, input),
    listUploads: (input) => listUploads(context, input),
    completeUpload: (input) => completeUpload(context, input),
    abortUpload: (input) => abortUpload(context, input),
    listObjectParts: (input) => listObjectParts(context, input),
    readChanges: async (input) => readChanges(context, input),
    waitForChange: ({ after, signal }) => waiters.wait(after, signal),
    maintain: (input) => maintenance.run(input),
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
