import { LIMITS } from '../../config/limits.js';
import type { Adapter, Capabilities, MaintainInput } from '../contract/index.js';
import { asStoreError } from '../gate.js';
import { abortUpload } from './abort-upload.js';
import { createBucket, deleteBucket, headBucket, listBuckets, putVersioning, usageOf } from './buckets.js';
import { openChangeWaiters, readChanges } from './changes.js';
import { completeUpload } from './complete-upload.js';
import type { LocalContext } from './context.js';
import { copyObject } from './copy-object.js';
import { deleteObject, deleteObjects } from './delete-object.js';
import { deleteDocument, getDocument, putDocument } from './documents.js';
import { STORED_CHECKSUMS } from './index/records.js';
import { listObjectParts } from './list-object-parts.js';
import { listObjects } from './list-objects.js';
import { listVersions } from './list-versions.js';
import { createMaintenance } from './maintain.js';
import { DEFAULT_ALGORITHM, putObject } from './put-object.js';
import { getObject, headObject } from './read-object.js';
import { getTags, putLegalHold, putRetention, putTags } from './tags-and-locks.js';
import { copyPart, uploadPart } from './upload-part.js';
import { createUpload, listParts, listUploads } from './uploads.js';
import { verifyObject } from './verify-object.js';

interface Call {
  readonly signal?: AbortSignal | undefined;
}

/** All operations over one open context. `release` gives back what was opened. */
export function createLocalAdapter(context: LocalContext, release: () => Promise<void>): Adapter {
  const waiters = openChangeWaiters(context);
  const maintenance = createMaintenance(context);
  const { gate } = context;

  /** What the caller's own body throws passes through as it is; all else leaves as a StoreError. */
  function call<Input extends Call, Result>(work: Operation<Input, Result>, { body = false } = {}) {
    return async (input: Input): Promise<Result> => {
      gate.enter(input.signal);
      try {
        return await work(context, input);
      } catch (error) {
        throw body ? error : asStoreError(error, input.signal);
      } finally {
        gate.leave();
      }
    };
  }

  let closing: Promise<void> | undefined;
  async function close(): Promise<void> {
    const left = gate.close();
    waiters.close();
    await left;
    await release();
  }

  return {
    name: context.name,
    capabilities: capabilitiesOf(context),
    createBucket: call(createBucket),
    headBucket: call(headBucket),
    deleteBucket: call(deleteBucket),
    listBuckets: call(listBuckets),
    putVersioning: call(putVersioning),
    getDocument: call(getDocument),
    putDocument: call(putDocument),
    deleteDocument: call(deleteDocument),
    usage: call(usageOf),
    putObject: call(putObject, { body: true }),
    getObject: call(getObject),
    headObject: call(headObject),
    deleteObject: call(deleteObject),
    deleteObjects: call(deleteObjects),
    copyObject: call(copyObject),
    listObjects: call(listObjects),
    verifyObject: call(verifyObject),
    listVersions: call(listVersions),
    getTags: call(getTags),
    putTags: call(putTags),
    putRetention: call(putRetention),
    putLegalHold: call(putLegalHold),
    createUpload: call(createUpload),
    uploadPart: call(uploadPart, { body: true }),
    copyPart: call(copyPart),
    listParts: call(listParts),
    listUploads: call(listUploads),
    completeUpload: call(completeUpload),
    abortUpload: call(abortUpload),
    listObjectParts: call(listObjectParts),
    readChanges: call(readChanges),
    waitForChange: async ({ after, signal }) => {
      if (!gate.closed) await waiters.wait(after, signal);
    },
    maintain: call((_context, input: MaintainInput) => maintenance.run(input)),
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

type Operation<Input, Result> = (context: LocalContext, input: Input) => Result | Promise<Result>;

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
    checksums: STORED_CHECKSUMS,
    default_checksum: DEFAULT_ALGORITHM,
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
