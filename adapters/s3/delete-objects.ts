import type { DeleteObjectsInput, DeleteObjectsResult, VersioningState } from '../contract/index.js';
import { keyProblem } from '../key-rules.js';
import type { S3Context } from './context.js';
import { type BatchResult, deleteBatch, fitsXml } from './delete-batch.js';
import { deleteOne } from './delete-object.js';
import { NOTHING } from './delete-results.js';
import { toStoreError } from './errors.js';

type Target = DeleteObjectsInput['objects'][number];

const DELETES_AT_ONCE = 8;

/** One request for all that can be named in its document and told apart in its answer; the others one by one. */
export async function deleteObjects(
  context: S3Context,
  input: DeleteObjectsInput,
): Promise<DeleteObjectsResult> {
  const { bucket, objects, signal } = input;
  const { versioning } = await context.buckets.info(bucket, signal);
  const results: BatchResult[] = objects.map(() => NOTHING);
  const held = objects.map((_, index) => index).filter((index) => holds(context, objects[index]));
  const batched = held.filter((index) => fitsBatch(context, objects[index], versioning));
  for (const bypass of [true, false]) {
    const indices = batched.filter((index) => (objects[index]?.bypass_governance === true) === bypass);
    if (indices.length === 0) continue;
    const targets = indices.flatMap((index) => objects[index] ?? []);
    const answers = await deleteBatch(context, { bucket, objects: targets, signal });
    for (const [place, index] of indices.entries()) results[index] = answers[place] ?? NOTHING;
  }
  const together = new Set(batched);
  const single = held.filter((index) => !together.has(index));
  for (let from = 0; from < single.length; from += DELETES_AT_ONCE) {
    signal?.throwIfAborted();
    await Promise.all(
      single.slice(from, from + DELETES_AT_ONCE).map(async (index) => {
        const target = objects[index];
        if (target === undefined) return;
        const call = deleteOne(context, { ...target, bucket, signal }, versioning);
        results[index] = await call.catch((error: unknown) => ({ error: toStoreError(error) }));
      }),
    );
  }
  signal?.throwIfAborted();
  return results;
}

function holds({ capabilities }: S3Context, target: Target | undefined): boolean {
  return target !== undefined && keyProblem(capabilities.keys, target.key) === undefined;
}

function fitsBatch({ habits }: S3Context, target: Target | undefined, versioning: VersioningState): boolean {
  if (target === undefined || target.condition !== undefined || !fitsXml(target.key)) return false;
  return habits.batches_tell_markers || versioning === 'unversioned' || target.version_id !== undefined;
}
