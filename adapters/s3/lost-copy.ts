import { setTimeout as delay } from 'node:timers/promises';
import { LIMITS } from '../../config/limits.js';
import { childText, type XmlElement } from '../../src/wire/xml.js';
import { type CopyObjectInput, StoreError } from '../contract/index.js';
import { bareEtag } from './attributes.js';
import type { S3Context } from './context.js';
import { listObjects } from './list-objects.js';

/**
 * Runs a copy until it is what stands, for servers that write a copy with the time of their clock although its target has
 * a newer one (habit `copies_may_lose`): such a copy is answered with 200 and never seen. Each round is a copy of its own;
 * nobody has been told of any before. Unavailable in the end.
 */
export async function untilCopyStands<Copied extends { readonly result: XmlElement }>(
  context: S3Context,
  target: CopyObjectInput,
  copy: () => Promise<Copied>,
): Promise<Copied> {
  for (let round = 1; ; round++) {
    const copied = await copy();
    if (!context.habits.copies_may_lose || (await stands(context, target, copied.result))) return copied;
    if (round === LIMITS.upstream_copy_rounds_max) {
      throw new StoreError('unavailable', 'what was copied lost against a newer write', {
        subject: 'adapter',
      });
    }
    await delay(2 ** round, undefined, { signal: target.signal });
  }
}

/** Listings tell times to the millisecond, as the answer to a copy does; HEAD to the second. */
async function stands(context: S3Context, target: CopyObjectInput, result: XmlElement): Promise<boolean> {
  const { bucket, key, signal } = target;
  const { entries } = await listObjects(context, {
    bucket,
    prefix: key,
    limit: 1,
    signal,
  });
  const [first] = entries;
  if (first?.type !== 'item' || first.item.key !== key) return false;
  const { etag, modified_at_ms } = first.item;
  return (
    etag === bareEtag(childText(result, 'ETag') ?? '') &&
    modified_at_ms === Date.parse(childText(result, 'LastModified') ?? '')
  );
}
