import {
  type Adapter,
  type DeleteObjectResult,
  isStoreError,
  type ListBucketsInput,
  type ListBucketsResult,
  type ListedBucket,
  type ReadChangesInput,
  type ReadChangesResult,
  StoreError,
  type Usage,
} from '../../adapters/contract/index.js';
import { BUCKET_NAME_LENGTH_MAX } from '../../config/mount-patterns.js';
import { type Naming, noSuchBucket } from './naming.js';
import { addUsage, NO_USAGE } from './usage.js';

interface Addressed {
  readonly bucket: string;
}

interface Copied extends Addressed {
  readonly source: Addressed;
}

/**
 * An adapter whose buckets have other names there than here: all names are changed on the way in, and back on the way
 * out, also those in errors. Only buckets that the naming knows are seen. `from` is the naming of copies' sources,
 * where they lie under another mount of the same adapter.
 */
export function mappedView(inner: Adapter, naming: Naming, from: Naming | undefined = naming): Adapter {
  const into = <Input extends Addressed>(input: Input): Input => ({
    ...input,
    bucket: naming.upstream(input.bucket),
  });
  const both = <Input extends Copied>(input: Input): Input => ({
    ...into(input),
    source: { ...input.source, bucket: from?.upstream(input.source.bucket) ?? input.source.bucket },
  });

  async function at<Input extends Addressed, Result>(
    input: Input,
    call: (mapped: Input) => Promise<Result>,
  ): Promise<Result> {
    const mapped = into(input);
    // No such bucket can be there; an upstream would call the name wrong, which it is not.
    if (mapped.bucket.length > BUCKET_NAME_LENGTH_MAX) throw noSuchBucket(input.bucket);
    try {
      return await call(mapped);
    } catch (error) {
      throw ownError(error, [[mapped.bucket, input.bucket]]);
    }
  }

  async function copying<Input extends Copied, Result>(
    input: Input,
    call: (mapped: Input) => Promise<Result>,
  ): Promise<Result> {
    const mapped = both(input);
    try {
      return await call(mapped);
    } catch (error) {
      throw ownError(error, [
        [mapped.bucket, input.bucket],
        [mapped.source.bucket, input.source.bucket],
      ]);
    }
  }

  return {
    name: inner.name,
    capabilities: inner.capabilities,
    ...bucketCalls(inner, naming, at),
    putObject: (input) => at(input, (mapped) => inner.putObject(mapped)),
    getObject: (input) => at(input, (mapped) => inner.getObject(mapped)),
    headObject: (input) => at(input, (mapped) => inner.headObject(mapped)),
    deleteObject: (input) => at(input, (mapped) => inner.deleteObject(mapped)),
    deleteObjects: (input) =>
      at(input, async (mapped) => {
        const names: Names = [[mapped.bucket, input.bucket]];
        return (await inner.deleteObjects(mapped)).map((result) => ownResult(result, names));
      }),
    copyObject: (input) => copying(input, (mapped) => inner.copyObject(mapped)),
    listObjects: (input) => at(input, (mapped) => inner.listObjects(mapped)),
    verifyObject: (input) => at(input, (mapped) => inner.verifyObject(mapped)),
    listVersions: (input) => at(input, (mapped) => inner.listVersions(mapped)),
    getTags: (input) => at(input, (mapped) => inner.getTags(mapped)),
    putTags: (input) => at(input, (mapped) => inner.putTags(mapped)),
    putRetention: (input) => at(input, (mapped) => inner.putRetention(mapped)),
    putLegalHold: (input) => at(input, (mapped) => inner.putLegalHold(mapped)),
    createUpload: (input) => at(input, (mapped) => inner.createUpload(mapped)),
    uploadPart: (input) => at(input, (mapped) => inner.uploadPart(mapped)),
    copyPart: (input) => copying(input, (mapped) => inner.copyPart(mapped)),
    listParts: (input) => at(input, (mapped) => inner.listParts(mapped)),
    listUploads: (input) => at(input, (mapped) => inner.listUploads(mapped)),
    completeUpload: (input) => at(input, (mapped) => inner.completeUpload(mapped)),
    abortUpload: (input) => at(input, (mapped) => inner.abortUpload(mapped)),
    listObjectParts: (input) => at(input, (mapped) => inner.listObjectParts(mapped)),
    readChanges: (input) => readOwnChanges(inner, input, naming.own),
    waitForChange: (input) => inner.waitForChange(input),
    maintain: (input) => inner.maintain(input),
    close: () => inner.close(),
  };
}

type At = <Input extends Addressed, Result>(
  input: Input,
  call: (mapped: Input) => Promise<Result>,
) => Promise<Result>;

function bucketCalls(inner: Adapter, naming: Naming, at: At) {
  const ownInfo = <Info extends ListedBucket>(info: Info, name: string): Info => ({ ...info, name });

  async function listBuckets(input: ListBucketsInput): Promise<ListBucketsResult> {
    const { only, prefix } = naming;
    if (only !== undefined) return listOne(inner, only, input);
    const { buckets, next } = await inner.listBuckets({
      ...input,
      prefix: prefix + (input.prefix ?? ''),
      ...(input.after !== undefined && { after: prefix + input.after }),
    });
    return {
      // All begin with the prefix, so leaving it away keeps their order.
      buckets: buckets.map((info) => ownInfo(info, info.name.slice(prefix.length))),
      next: next === null ? null : next.slice(prefix.length),
    };
  }

  async function usageOfAll(signal: AbortSignal | undefined): Promise<Usage> {
    let sum = NO_USAGE;
    for (let after: string | null | undefined; after !== null; ) {
      const page = await listBuckets({ signal, limit: PAGE, ...(after !== undefined && { after }) });
      for (const { name } of page.buckets) {
        sum = addUsage(sum, await inner.usage({ signal, bucket: naming.upstream(name) }));
      }
      after = page.next;
    }
    return sum;
  }

  return {
    createBucket: async (input) => {
      if (naming.upstream(input.bucket).length > BUCKET_NAME_LENGTH_MAX) throw tooLong(input.bucket, naming);
      return at(input, async (mapped) => ownInfo(await inner.createBucket(mapped), input.bucket));
    },
    headBucket: (input) => at(input, async (mapped) => ownInfo(await inner.headBucket(mapped), input.bucket)),
    deleteBucket: (input) => at(input, (mapped) => inner.deleteBucket(mapped)),
    listBuckets,
    putVersioning: (input) => at(input, (mapped) => inner.putVersioning(mapped)),
    getDocument: (input) => at(input, (mapped) => inner.getDocument(mapped)),
    putDocument: (input) => at(input, (mapped) => inner.putDocument(mapped)),
    deleteDocument: (input) => at(input, (mapped) => inner.deleteDocument(mapped)),
    usage: ({ bucket, signal }) =>
      bucket === undefined ? usageOfAll(signal) : at({ bucket, signal }, (mapped) => inner.usage(mapped)),
  } satisfies Partial<Adapter>;
}

function tooLong(bucket: string, { prefix }: Naming): StoreError {
  return new StoreError(
    'invalid',
    `the name ${bucket} is too long for this mount, which puts ${prefix} before it`,
    { subject: 'bucket' },
  );
}

const PAGE = 1_000;

async function listOne(
  inner: Adapter,
  { own, upstream }: NonNullable<Naming['only']>,
  { prefix = '', after, owner, signal }: ListBucketsInput,
): Promise<ListBucketsResult> {
  const none: ListBucketsResult = { buckets: [], next: null };
  if (!own.startsWith(prefix) || (after !== undefined && own <= after)) return none;
  try {
    const info = await inner.headBucket({ bucket: upstream, signal });
    if (owner !== undefined && info.owner !== owner) return none;
    return { buckets: [{ ...info, name: own }], next: null };
  } catch (error) {
    if (isStoreError(error, 'not_found')) return none;
    throw error;
  }
}

/** Changes under the names that clients know; those of buckets that they do not see are left out. */
export async function readOwnChanges(
  inner: Adapter,
  input: ReadChangesInput,
  own: (upstream: string) => string | undefined,
): Promise<ReadChangesResult> {
  for (let { after } = input; ; ) {
    const page = await inner.readChanges({ ...input, after });
    const changes = page.changes.flatMap((change) => {
      const bucket = own(change.bucket);
      return bucket === undefined ? [] : [{ ...change, bucket }];
    });
    // An empty page would say that there is nothing new.
    if (changes.length > 0 || page.changes.length === 0 || page.gap) return { ...page, changes };
    after = page.cursor;
  }
}

/** Pairs of the name in the adapter and the one that the client knows. */
type Names = readonly (readonly [upstream: string, own: string])[];

function ownResult(
  result: DeleteObjectResult | { readonly error: Error },
  names: Names,
): DeleteObjectResult | { readonly error: Error } {
  if (!('error' in result)) return result;
  const error = ownError(result.error, names);
  return error instanceof Error ? { error } : result;
}

function ownError(error: unknown, names: Names): unknown {
  if (!(error instanceof StoreError)) return error;
  const { kind, subject, detail } = error;
  const message = ownText(error.message, names);
  const bucket = names.find(([upstream]) => upstream === detail.bucket)?.[1];
  if (message === error.message && bucket === undefined) return error;
  return new StoreError(kind, message, {
    subject,
    detail: bucket === undefined ? detail : { ...detail, bucket },
    cause: error,
  });
}

/** Names stand between characters that no name has. */
function ownText(text: string, names: Names): string {
  const any = names.map(([upstream]) => upstream.replace(/[^a-z0-9]/gi, '\\$&')).join('|');
  return text.replace(
    new RegExp(`(?<![a-z0-9.-])(?:${any})(?![a-z0-9-])`, 'g'),
    (found) => names.find(([upstream]) => upstream === found)?.[1] ?? found,
  );
}
