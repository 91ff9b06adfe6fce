import type { ObjectInfo, ReadCondition } from '../../adapters/contract/index.js';
import { isStoreError } from '../../adapters/contract/index.js';
import { LIMITS } from '../../config/limits.js';
import { authoriseRead } from './authorise.js';
import { copySourceCondition, writeCondition } from './conditions.js';
import { S3Error } from './errors.js';
import type { OperationContext } from './operation.js';
import type { CopySource } from './parameters/copy-source.js';
import { headerText } from './parameters/header-text.js';

export interface CheckedSource {
  readonly info: ObjectInfo;
  /** What was looked at is what is copied, even if the source is replaced meanwhile. */
  readonly source: CopySource & { readonly condition: ReadCondition };
}

/** Looks at the source of a copy: whether the client may read it, and whether its conditions hold. */
export async function checkSource(context: OperationContext, source: CopySource): Promise<CheckedSource> {
  await authoriseSource(context, source);
  const condition = copySourceCondition(context.headers);
  const { info } = await sourceErrors(() =>
    context.store.headObject({
      ...source,
      signal: context.signal,
      ...(condition === undefined ? {} : { condition }),
    }),
  );
  return { info, source: { ...source, condition: { ...condition, if_match: [info.etag] } } };
}

const ROUNDS_MAX = 5;

/**
 * Copies what was looked at. Where it was replaced in between, the new one is looked at: of the condition that
 * `checkSource` adds, a client must not hear that has given none on the target.
 */
export async function copyChecked<T>(
  context: OperationContext,
  source: CopySource,
  checked: CheckedSource,
  copy: (seen: CheckedSource) => Promise<T>,
): Promise<T> {
  let seen = checked;
  for (let round = 1; ; round++) {
    try {
      return await sourceErrors(() => copy(seen));
    } catch (cause) {
      if (!isStoreError(cause, 'precondition_failed')) throw cause;
      if (writeCondition(context.headers) !== undefined) throw cause;
      if (round === ROUNDS_MAX)
        throw new S3Error('ServiceUnavailable', { headers: { 'retry-after': '1' }, cause });
      seen = await checkSource(context, source);
    }
  }
}

/** x-amz-source-expected-bucket-owner, beside the right to read. */
async function authoriseSource(context: OperationContext, source: CopySource): Promise<void> {
  await authoriseRead(context, source.bucket);
  const expected = headerText(context.headers, 'x-amz-source-expected-bucket-owner');
  if (expected === undefined) return;
  const { owner } = await context.store.headBucket({ bucket: source.bucket, signal: context.signal });
  if (expected !== owner) throw new S3Error('AccessDenied');
}

/** For a copy, a source that did not change is a failed condition, and one that is a delete marker is not there. */
async function sourceErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isStoreError(error, 'not_modified')) throw new S3Error('PreconditionFailed', { cause: error });
    if (!isStoreError(error, 'delete_marker')) throw error;
    throw new S3Error('NoSuchKey', { cause: error });
  }
}

/** S3 API reference, "CopyObject" and "UploadPartCopy": 5 GiB in one step. */
export function checkCopySize(size_bytes: number): void {
  if (size_bytes <= LIMITS.put_bytes_max) return;
  throw new S3Error('InvalidRequest', {
    message: `The specified copy source is larger than the maximum allowable size for a copy source: ${LIMITS.put_bytes_max}`,
  });
}
