import { rangeBytes } from '../../adapters/conditions.js';
import {
  type Adapter,
  type CopyObjectInput,
  type CopyPartInput,
  isStoreError,
  type MaintainInput,
  type MaintainResult,
  StoreError,
  type Usage,
  unsupported,
} from '../../adapters/contract/index.js';
import { type CallsUnderWay, createCallsUnderWay } from './calls-under-way.js';
import { commonCapabilities } from './capabilities.js';
import { copyObjectAcross, copyPartAcross, type Homes } from './copy-across.js';
import { listAllBuckets } from './list-buckets.js';
import { createListedUsage, type ListedUsage } from './listed-usage.js';
import { readOwnChanges } from './mapped-view.js';
import { createMountHealth, type MountEvent, type MountHealth } from './mount-health.js';
import {
  createMounts,
  type Home,
  type Mount,
  type Mounts,
  ownNameIn,
  refuseReadOnly,
  viewForCopy,
} from './mounts.js';
import { createQuota, type Quota } from './quota.js';
import { SHARD_BUCKET } from './shard-bucket.js';
import { addUsage, usageOf } from './usage.js';

export interface ObjectStoreOptions {
  /** The first whose pattern matches a bucket's name is its home. */
  readonly mounts: readonly Mount[];
  /** Bytes that all versions and unfinished parts may take; Infinity for no limit. */
  readonly quota_bytes: number;
  /** Called with the bytes that are missing before a write is refused; frees what it may. */
  readonly makeRoom?: (bytes: number) => Promise<unknown>;
  /** Buckets that nobody deletes. */
  readonly permanent_buckets?: readonly string[];
  /** Told when a mount stops answering, and when it answers again. */
  readonly onMountEvent?: (event: MountEvent) => void;
}

/** The object store, and what is known of its mounts. */
export interface ObjectStore extends Adapter {
  readonly mounts: Mounts;
  readonly health: MountHealth;
}

type Source = CopyObjectInput['source'] | CopyPartInput['source'];

interface Target {
  readonly bucket: string;
  readonly key: string;
  /** Of a part: it replaces no object. */
  readonly upload_id?: string;
}

interface WritePath {
  readonly mounts: Mounts;
  readonly quota: Quota;
  /** Writes that wait for room have not reached an adapter yet: closing waits for them. */
  readonly writes: CallsUnderWay;
}

/** The bytes that a put frees: those of the object in its place, where the bucket keeps no versions. */
async function replacedBytes({ view }: Home, bucket: string, key: string): Promise<number> {
  const { versioning } = await view.headBucket({ bucket });
  if (versioning !== 'unversioned') return 0;
  try {
    return (await view.headObject({ bucket, key })).info.size_bytes;
  } catch (error) {
    if (isStoreError(error, 'not_found')) return 0;
    throw error;
  }
}

/** What a copy will write. Where the source cannot be read, nothing: then the copy fails, in the adapter's words. */
async function sourceBytes({ view }: Home, source: Source): Promise<number> {
  const { bucket, key, version_id } = source;
  const range = 'range' in source ? source.range : undefined;
  try {
    const found = await view.headObject({
      bucket,
      key,
      version_id,
      ...(range !== undefined && { range }),
    });
    return rangeBytes(found.range, found.info);
  } catch (error) {
    if (error instanceof StoreError) return 0;
    throw error;
  }
}

/** Runs a write in a bucket's home once the quota has room for it. */
function admitTo<R>(
  { mounts, quota, writes }: WritePath,
  target: Target,
  size: () => number | Promise<number>,
  write: (home: Home) => Promise<R>,
): Promise<R> {
  return writes.run(async () => {
    const home = mounts.writableHomeOf(target.bucket);
    if (!home.counts) return write(home);
    const size_bytes = size();
    return quota.admit(
      typeof size_bytes === 'number' ? size_bytes : await size_bytes,
      () => write(home),
      target.upload_id === undefined ? () => replacedBytes(home, target.bucket, target.key) : undefined,
    );
  });
}

/** A copy, inside one adapter or from one to another. */
async function copyTo<R>(
  path: WritePath,
  input: Target & { readonly source: Source },
  inside: (view: Adapter) => Promise<R>,
  across: (homes: Homes) => Promise<R>,
): Promise<R> {
  const from = path.mounts.homeOf(input.source.bucket);
  return admitTo(
    path,
    input,
    () => sourceBytes(from, input.source),
    (to) =>
      from.adapter === to.adapter ? inside(viewForCopy(from, to)) : across({ from: from.view, to: to.view }),
  );
}

/**
 * The one read path and the one write path of the node: an adapter over the adapters, which finds each bucket's home,
 * copies between homes, and keeps what is stored within the quota (no_space before a byte of the body is read).
 */
export function createObjectStore(options: ObjectStoreOptions): ObjectStore {
  const mounts = createMounts(options.mounts);
  // Removing shards from where they do not count frees nothing.
  const makeRoom = mounts.find(SHARD_BUCKET)?.counts === true ? options.makeRoom : undefined;
  const quota = createQuota({
    max_bytes: options.quota_bytes,
    measure: async () => (await usageOf(mounts.counted)).stored_bytes,
    makeRoom,
  });
  const path: WritePath = { mounts, quota, writes: createCallsUnderWay() };
  const health = createMountHealth({ onEvent: options.onMountEvent });
  const listed = createListedUsage();
  const permanent = options.permanent_buckets ?? [];
  return {
    name: 'objects',
    capabilities: commonCapabilities(mounts.adapters),
    mounts,
    health,
    ...bucketCalls(mounts, new Set(permanent)),
    listBuckets: (input) => listAllBuckets(mounts, health, input),
    usage: (input) => usageCall({ mounts, listed, permanent }, input),
    ...objectCalls(path),
    ...multipartCalls(path),
    ...wholeCalls(path, listed),
  };
}

interface Counted {
  readonly mounts: Mounts;
  readonly listed: ListedUsage;
  readonly permanent: readonly string[];
}

/**
 * Of all: what counts against the quota, and the node's own buckets wherever they lie. What adapters cannot count is
 * counted by listing; an upstream that is down keeps no status from telling of the others.
 */
async function usageCall(
  { mounts, listed, permanent }: Counted,
  input: Parameters<Adapter['usage']>[0],
): Promise<Usage> {
  if (input.bucket !== undefined) {
    const { view } = mounts.homeOf(input.bucket);
    return view.capabilities.usage
      ? view.usage({ ...input, bucket: input.bucket })
      : listed.of(view, input.bucket);
  }
  const elsewhere = permanent.flatMap((bucket) => {
    const home = mounts.find(bucket);
    return home === undefined || mounts.counted.includes(home.adapter) ? [] : [bucket];
  });
  const usages = await Promise.all([
    usageOf(mounts.counted),
    ...elsewhere.map((bucket) => usageCall({ mounts, listed, permanent }, { ...input, bucket })),
  ]);
  return usages.reduce(addUsage);
}

type Calls<K extends keyof Adapter> = Pick<Adapter, K>;

function bucketCalls(
  mounts: Mounts,
  permanent: ReadonlySet<string>,
): Calls<
  | 'createBucket'
  | 'headBucket'
  | 'deleteBucket'
  | 'putVersioning'
  | 'getDocument'
  | 'putDocument'
  | 'deleteDocument'
> {
  const { homeOf, writableHomeOf, find } = mounts;
  return {
    createBucket: async (input) => {
      const home = find(input.bucket);
      if (home === undefined) {
        throw new StoreError('invalid', `the name ${input.bucket} is reserved or has no mount`, {
          subject: 'bucket',
        });
      }
      refuseReadOnly(home);
      return home.view.createBucket(input);
    },
    headBucket: async (input) => await homeOf(input.bucket).view.headBucket(input),
    deleteBucket: async (input) => {
      if (permanent.has(input.bucket)) {
        throw new StoreError('access_denied', `bucket ${input.bucket} belongs to the node`, {
          subject: 'bucket',
        });
      }
      return writableHomeOf(input.bucket).view.deleteBucket(input);
    },
    putVersioning: async (input) => writableHomeOf(input.bucket).view.putVersioning(input),
    getDocument: async (input) => homeOf(input.bucket).view.getDocument(input),
    putDocument: async (input) => writableHomeOf(input.bucket).view.putDocument(input),
    deleteDocument: async (input) => writableHomeOf(input.bucket).view.deleteDocument(input),
  };
}

function objectCalls(
  path: WritePath,
): Calls<
  | 'putObject'
  | 'getObject'
  | 'headObject'
  | 'deleteObject'
  | 'deleteObjects'
  | 'copyObject'
  | 'listObjects'
  | 'verifyObject'
  | 'listVersions'
  | 'getTags'
  | 'putTags'
  | 'putRetention'
  | 'putLegalHold'
> {
  const { homeOf, writableHomeOf } = path.mounts;
  return {
    putObject: (input) =>
      admitTo(
        path,
        input,
        () => input.size_bytes,
        ({ view }) => view.putObject(input),
      ),
    // Awaited here, because an async function that returns a promise takes three turns more.
    getObject: async (input) => await homeOf(input.bucket).view.getObject(input),
    headObject: async (input) => await homeOf(input.bucket).view.headObject(input),
    deleteObject: async (input) => writableHomeOf(input.bucket).view.deleteObject(input),
    deleteObjects: async (input) => writableHomeOf(input.bucket).view.deleteObjects(input),
    copyObject: (input) =>
      copyTo(
        path,
        input,
        (view) => view.copyObject(input),
        (homes) => copyObjectAcross(homes, input),
      ),
    listObjects: async (input) => homeOf(input.bucket).view.listObjects(input),
    verifyObject: async (input) => homeOf(input.bucket).view.verifyObject(input),
    listVersions: async (input) => homeOf(input.bucket).view.listVersions(input),
    getTags: async (input) => homeOf(input.bucket).view.getTags(input),
    putTags: async (input) => writableHomeOf(input.bucket).view.putTags(input),
    putRetention: async (input) => writableHomeOf(input.bucket).view.putRetention(input),
    putLegalHold: async (input) => writableHomeOf(input.bucket).view.putLegalHold(input),
  };
}

function multipartCalls(
  path: WritePath,
): Calls<
  | 'createUpload'
  | 'uploadPart'
  | 'copyPart'
  | 'listParts'
  | 'listUploads'
  | 'completeUpload'
  | 'abortUpload'
  | 'listObjectParts'
> {
  const { homeOf, writableHomeOf } = path.mounts;
  return {
    createUpload: async (input) => writableHomeOf(input.bucket).view.createUpload(input),
    uploadPart: (input) =>
      admitTo(
        path,
        input,
        () => input.size_bytes,
        ({ view }) => view.uploadPart(input),
      ),
    copyPart: (input) =>
      copyTo(
        path,
        input,
        (view) => view.copyPart(input),
        (homes) => copyPartAcross(homes, input),
      ),
    listParts: async (input) => homeOf(input.bucket).view.listParts(input),
    listUploads: async (input) => homeOf(input.bucket).view.listUploads(input),
    completeUpload: async (input) => writableHomeOf(input.bucket).view.completeUpload(input),
    abortUpload: async (input) => writableHomeOf(input.bucket).view.abortUpload(input),
    listObjectParts: async (input) => homeOf(input.bucket).view.listObjectParts(input),
  };
}

/** Calls about all of the storage. Changes are read from one adapter: cursors of several have no common order. */
function wholeCalls(
  { mounts, writes }: WritePath,
  listed: ListedUsage,
): Calls<'readChanges' | 'waitForChange' | 'maintain' | 'close'> {
  const { adapters } = mounts;
  const only = (): Adapter => {
    const [adapter, ...others] = adapters;
    if (adapter === undefined || others.length > 0) throw unsupported('objects', 'change_feed');
    return adapter;
  };
  return {
    readChanges: async (input) => {
      const adapter = only();
      return readOwnChanges(adapter, input, ownNameIn(mounts, adapter));
    },
    waitForChange: async (input) => only().waitForChange(input),
    maintain: (input) => maintainAll(mounts, input),
    close: async () => {
      listed.close();
      await writes.ended();
      await Promise.all(adapters.map((adapter) => adapter.close()));
    },
  };
}

/** Where one of them fails, an upstream that is down, say, the others finish their work before that is told. */
async function maintainAll({ homes }: Mounts, input: MaintainInput): Promise<MaintainResult> {
  const writable = new Set(homes.filter(({ read_only }) => !read_only).map(({ adapter }) => adapter));
  const outcomes = await Promise.allSettled([...writable].map((adapter) => adapter.maintain(input)));
  const results = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  const removed_blobs = results.reduce((sum, result) => sum + result.removed_blobs, 0);
  const freed_bytes = results.reduce((sum, result) => sum + result.freed_bytes, 0);
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined && removed_blobs === 0) throw failed.reason;
  return { removed_blobs, freed_bytes };
}
