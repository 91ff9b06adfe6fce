import type { Adapter, MaintainInput } from '../contract/index.js';
import { StoreError, unsupported } from '../contract/index.js';
import { createGate } from '../gate.js';
import { keyProblem } from '../key-rules.js';
import { noBucket } from './bucket-book.js';
import { headBucket, putVersioning } from './buckets.js';
import { completeUpload } from './complete-upload.js';
import type { S3Context } from './context.js';
import { copyObject } from './copy-object.js';
import { createBucket } from './create-bucket.js';
import { deleteBucket } from './delete-bucket.js';
import { deleteObject } from './delete-object.js';
import { deleteObjects } from './delete-objects.js';
import { deleteDocument, getDocument, putDocument } from './documents.js';
import { toStoreError } from './errors.js';
import { listBuckets } from './list-buckets.js';
import { listObjects } from './list-objects.js';
import { listParts } from './list-parts.js';
import { listVersions } from './list-versions.js';
import { createMaintenance } from './maintain.js';
import { listObjectParts } from './object-parts.js';
import { copyPart, uploadPart } from './parts.js';
import { putObject } from './put-object.js';
import { getObject, headObject } from './read-object.js';
import { getTags, putLegalHold, putRetention, putTags } from './tags-and-locks.js';
import { abortUpload, createUpload, listUploads } from './uploads.js';
import { verifyObject } from './verify-object.js';

interface Call {
  readonly signal?: AbortSignal | undefined;
  readonly bucket?: string;
  readonly key?: string;
  readonly source?: { readonly bucket: string; readonly key: string };
}

type Operation<Input, Result> = (context: S3Context, input: Input) => Promise<Result>;

/** All operations over one upstream. */
export function createS3Adapter(context: S3Context): Adapter {
  const gate = createGate();
  const maintenance = createMaintenance(context);

  /** What the caller's own body throws passes through as it is; all else leaves as a StoreError. */
  function call<Input extends Call, Result>(work: Operation<Input, Result>, options: CallOptions = {}) {
    return async (input: Input): Promise<Result> => {
      gate.enter(input.signal);
      try {
        const admitted = admit(context, input, options);
        if (admitted !== undefined) await admitted;
        return await work(context, input);
      } catch (error) {
        if (input.signal?.aborted === true) throw input.signal.reason;
        throw options.body === true ? error : toStoreError(error);
      } finally {
        gate.leave();
      }
    };
  }

  let closing: Promise<void> | undefined;
  async function close(): Promise<void> {
    await gate.close();
    context.held.dropAll();
    await context.upstream.close();
  }

  return {
    name: context.name,
    capabilities: context.capabilities,
    createBucket: call(createBucket),
    headBucket: call(headBucket),
    deleteBucket: call(deleteBucket),
    listBuckets: call(listBuckets),
    putVersioning: call(putVersioning),
    getDocument: call(getDocument),
    putDocument: call(putDocument),
    deleteDocument: call(deleteDocument),
    usage: refuse(context, 'usage'),
    putObject: call(putObject, { body: true, writes: true }),
    getObject: call(getObject),
    headObject: call(headObject),
    deleteObject: call(deleteObject, { any_key: true }),
    deleteObjects: call(deleteObjects),
    copyObject: call(copyObject, { writes: true }),
    listObjects: call(listObjects),
    verifyObject: call(verifyObject),
    listVersions: call(listVersions),
    getTags: call(getTags),
    putTags: call(putTags),
    putRetention: call(putRetention),
    putLegalHold: call(putLegalHold),
    createUpload: call(createUpload, { writes: true }),
    uploadPart: call(uploadPart, { body: true }),
    copyPart: call(copyPart),
    listParts: call(listParts),
    listUploads: call(listUploads),
    completeUpload: call(completeUpload),
    abortUpload: call(abortUpload),
    listObjectParts: call(listObjectParts),
    readChanges: refuse(context, 'change_feed'),
    waitForChange: refuse(context, 'change_feed'),
    maintain: call((_context, input: MaintainInput) => maintenance(input)),
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

interface CallOptions {
  readonly body?: boolean;
  /** It would make an object under its key. */
  readonly writes?: boolean;
  /** It looks after keys that the upstream cannot hold itself. */
  readonly any_key?: boolean;
}

/** The reserved bucket is nobody's; a key that the upstream would take for another one never reaches it. */
function admit(context: S3Context, input: Call, { writes, any_key }: CallOptions): Promise<void> | undefined {
  const { bucket, source, signal } = input;
  const { records, reserved } = context;
  const from = source?.bucket;
  if (bucket === records.bucket || from === records.bucket) throw noBucket(records.bucket);
  if (any_key !== true) admitKeys(context, input, writes === true);
  // Of a decorator: what lies there is believed.
  const believed = (name: string | undefined) => name !== undefined && reserved.has(name);
  if (!believed(bucket) && !believed(from)) return undefined;
  return admitReserved(context, [bucket, from].filter(believed), signal);
}

async function admitReserved(
  { reserved }: S3Context,
  names: readonly (string | undefined)[],
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const name of names) if (name !== undefined) await reserved.ensureNotForeign(name, signal);
}

function admitKeys(context: S3Context, { key, source }: Call, writes: boolean): void {
  const { keys } = context.capabilities;
  if (keys === undefined) return;
  const problem = key === undefined ? undefined : keyProblem(keys, key);
  if (problem !== undefined && writes)
    throw unsupported(`${context.name}: a key such that ${problem}:`, 'keys');
  if (problem !== undefined || (source !== undefined && keyProblem(keys, source.key) !== undefined)) {
    throw new StoreError('not_found', 'there is no such object');
  }
}

function refuse({ name }: S3Context, capability: string) {
  return async (): Promise<never> => {
    throw unsupported(name, capability);
  };
}
