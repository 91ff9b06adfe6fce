import {
  type Adapter,
  type CopyObjectInput,
  type CopyPartInput,
  isStoreError,
  StoreError,
  type Usage,
  unsupported,
} from '../../adapters/contract/index.js';
import { type CallsUnderWay, createCallsUnderWay } from './calls-under-way.js';
import { commonCapabilities } from './capabilities.js';
import { copyObjectAcross, copyPartAcross, rangeBytes } from './copy-across.js';
import { listAllBuckets } from './list-buckets.js';
import { createMounts, type Mount, type Mounts } from './mounts.js';
import { createQuota, type Quota } from './quota.js';

export interface ObjectStoreOptions {
  /** The first whose pattern matches a bucket's name is its home. */
  readonly mounts: readonly Mount[];
  /** Bytes that all versions and unfinished parts may take; Infinity for no limit. */
  readonly quota_bytes: number;
  /** Called with the bytes that are missing before a write is refused; frees what it may. */
  readonly makeRoom?: (bytes: number) => Promise<unknown>;
  /** Buckets that nobody deletes. */
  readonly permanent_buckets?: readonly string[];
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

const NO_USAGE: Usage = { objects_count: 0, objects_bytes: 0, versions_count: 0, stored_bytes: 0 };

function addUsage(a: Usage, b: Usage): Usage {
  return {
    objects_count: a.objects_count + b.objects_count,
    objects_bytes: a.objects_bytes + b.objects_bytes,
    versions_count: a.versions_count + b.versions_count,
    stored_bytes: a.stored_bytes + b.stored_bytes,
  };
}

/** An upstream that cannot count must not keep a status from telling of the others. */
function counts({ capabilities }: Adapter): boolean {
  return capabilities.usage;
}

async function usageOf(adapters: readonly Adapter[]): Promise<Usage> {
  return (await Promise.all(adapters.map((adapter) => adapter.usage({})))).reduce(addUsage, NO_USAGE);
}

/** The bytes that a put frees: those of the object in its place, where the bucket keeps no versions. */
async function replacedBytes(home: Adapter, bucket: string, key: string): Promise<number> {
  const { versioning } = await home.headBucket({ bucket });
  if (versioning !== 'unversioned') return 0;
  try {
    return (await home.headObject({ bucket, key })).info.size_bytes;
  } catch (error) {
    if (isStoreError(error, 'not_found')) return 0;
    throw error;
  }
}

/** What a copy will write. Where the source cannot be read, nothing: then the copy fails, in the adapter's words. */
async function sourceBytes(from: Adapter, source: Source): Promise<number> {
  const { bucket, key, version_id } = source;
  const range = 'range' in source ? source.range : undefined;
  try {
    const found = await from.headObject({
      bucket,
      key,
      ...(version_id !== undefined && { version_id }),
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
  write: (home: Adapter) => Promise<R>,
): Promise<R> {
  return writes.run(async () => {
    const home = mounts.homeOf(target.bucket);
    if (mounts.find(target.bucket)?.counts === false) return write(home);
    const size_bytes = size();
    return quota.admit(
      typeof size_bytes === 'number' ? size_bytes : await size_bytes,
      () => write(home),
      target.upload_id === undefined ? () => replacedBytes(home, target.bucket, target.key) : undefined,
    );
  });
}

/**
 * The one read path and the one write path of the node: an adapter over the adapters, which finds each bucket's home,
 * copies between homes, and keeps what is stored within the quota (no_space before a byte of the body is read).
 */
export function createObjectStore(options: ObjectStoreOptions): Adapter {
  const mounts = createMounts(options.mounts);
  const quota = createQuota({
    max_bytes: options.quota_bytes,
    measure: async () => (await usageOf(mounts.counted)).stored_bytes,
    makeRoom: options.makeRoom,
  });
  const path: WritePath = { mounts, quota, writes: createCallsUnderWay() };
  const permanent = new Set(options.permanent_buckets ?? []);
  return {
    name: 'objects',
    capabilities: commonCapabilities(mounts.adapters),
    ...bucketCalls(mounts, permanent),
    ...objectCalls(path),
    ...multipartCalls(path),
    ...wholeCalls(path),
  };
}

type Calls<K extends keyof Adapter> = Pick<Adapter, K>;

function bucketCalls(
  mounts: Mounts,
  permanent: ReadonlySet<string>,
): Calls<
  | 'createBucket'
  | 'headBucket'
  | 'deleteBucket'
  | 'listBuckets'
  | 'putVersioning'
  | 'getDocument'
  | 'putDocument'
  | 'deleteDocument'
  | 'usage'
> {
  const { homeOf, find, adapters } = mounts;
  return {
    createBucket: async (input) => {
      const mount = find(input.bucket);
      if (mount === undefined) {
        throw new StoreError('invalid', `the name ${input.bucket} is reserved or has no mount`, {
          subject: 'bucket',
        });
      }
      return mount.adapter.createBucket(input);
    },
    headBucket: async (input) => await homeOf(input.bucket).headBucket(input),
    deleteBucket: async (input) => {
      if (permanent.has(input.bucket)) {
        throw new StoreError('access_denied', `bucket ${input.bucket} belongs to the node`, {
          subject: 'bucket',
        });
      }
      return homeOf(input.bucket).deleteBucket(input);
    },
    listBuckets: (input) => listAllBuckets(mounts, input),
    putVersioning: async (input) => homeOf(input.bucket).putVersioning(input),
    getDocument: async (input) => homeOf(input.bucket).getDocument(input),
    putDocument: async (input) => homeOf(input.bucket).putDocument(input),
    deleteDocument: async (input) => homeOf(input.bucket).deleteDocument(input),
    usage: async (input) =>
      input.bucket === undefined ? usageOf(adapters.filter(counts)) : homeOf(input.bucket).usage(input),
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
  const { homeOf } = path.mounts;
  return {
    putObject: (input) =>
      admitTo(
        path,
        input,
        () => input.size_bytes,
        (home) => home.putObject(input),
      ),
    // Awaited here, because an async function that returns a promise takes three turns more.
    getObject: async (input) => await homeOf(input.bucket).getObject(input),
    headObject: async (input) => await homeOf(input.bucket).headObject(input),
    deleteObject: async (input) => homeOf(input.bucket).deleteObject(input),
    deleteObjects: async (input) => homeOf(input.bucket).deleteObjects(input),
    copyObject: async (input) => {
      const from = homeOf(input.source.bucket);
      return admitTo(
        path,
        input,
        () => sourceBytes(from, input.source),
        (to) => (from === to ? to.copyObject(input) : copyObjectAcross({ from, to }, input)),
      );
    },
    listObjects: async (input) => homeOf(input.bucket).listObjects(input),
    verifyObject: async (input) => homeOf(input.bucket).verifyObject(input),
    listVersions: async (input) => homeOf(input.bucket).listVersions(input),
    getTags: async (input) => homeOf(input.bucket).getTags(input),
    putTags: async (input) => homeOf(input.bucket).putTags(input),
    putRetention: async (input) => homeOf(input.bucket).putRetention(input),
    putLegalHold: async (input) => homeOf(input.bucket).putLegalHold(input),
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
  const { homeOf } = path.mounts;
  return {
    createUpload: async (input) => homeOf(input.bucket).createUpload(input),
    uploadPart: (input) =>
      admitTo(
        path,
        input,
        () => input.size_bytes,
        (home) => home.uploadPart(input),
      ),
    copyPart: async (input) => {
      const from = homeOf(input.source.bucket);
      return admitTo(
        path,
        input,
        () => sourceBytes(from, input.source),
        (to) => (from === to ? to.copyPart(input) : copyPartAcross({ from, to }, input)),
      );
    },
    listParts: async (input) => homeOf(input.bucket).listParts(input),
    listUploads: async (input) => homeOf(input.bucket).listUploads(input),
    completeUpload: async (input) => homeOf(input.bucket).completeUpload(input),
    abortUpload: async (input) => homeOf(input.bucket).abortUpload(input),
    listObjectParts: async (input) => homeOf(input.bucket).listObjectParts(input),
  };
}

/** Calls about all of the storage. Changes are read from one adapter: cursors of several have no common order. */
function wholeCalls({
  mounts: { adapters },
  writes,
}: WritePath): Calls<'readChanges' | 'waitForChange' | 'maintain' | 'close'> {
  const only = (): Adapter => {
    const [adapter, ...others] = adapters;
    if (adapter === undefined || others.length > 0) throw unsupported('objects', 'change_feed');
    return adapter;
  };
  return {
    readChanges: async (input) => only().readChanges(input),
    waitForChange: async (input) => only().waitForChange(input),
    maintain: async (input) => {
      const results = await Promise.all(adapters.map((adapter) => adapter.maintain(input)));
      return {
        removed_blobs: results.reduce((sum, { removed_blobs }) => sum + removed_blobs, 0),
        freed_bytes: results.reduce((sum, { freed_bytes }) => sum + freed_bytes, 0),
      };
    },
    close: async () => {
      await writes.ended();
      await Promise.all(adapters.map((adapter) => adapter.close()));
    },
  };
}
