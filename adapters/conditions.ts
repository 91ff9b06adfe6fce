import {
  type ByteRange,
  type DeleteCondition,
  type Extent,
  type ObjectInfo,
  type ReadCondition,
  type ResolvedRange,
  StoreError,
  type WriteCondition,
} from './contract/index.js';

/** Evaluation of conditions and ranges, for adapters and doors alike: pure, and the same everywhere. */

type Conditioned = Pick<ObjectInfo, 'etag' | 'modified_at_ms'>;

/** HTTP dates have whole seconds (RFC 9110, section 5.6.7): what changed later in the same second counts as not later. */
const wholeSecond = (time_ms: number): number => Math.floor(time_ms / 1000) * 1000;

const matches = (etags: readonly string[], etag: string): boolean =>
  etags.includes('*') || etags.includes(etag);

/** RFC 9110, section 13.2.2: the ETag conditions take precedence over the dates. */
function readConditionOutcome(
  object: Conditioned,
  condition: ReadCondition,
): 'go_on' | 'not_modified' | 'precondition_failed' {
  const { if_match, if_none_match, if_modified_since_ms, if_unmodified_since_ms } = condition;
  const modified_at_ms = wholeSecond(object.modified_at_ms);
  if (if_match !== undefined) {
    if (!matches(if_match, object.etag)) return 'precondition_failed';
  } else if (if_unmodified_since_ms !== undefined && modified_at_ms > wholeSecond(if_unmodified_since_ms)) {
    return 'precondition_failed';
  }
  if (if_none_match !== undefined) {
    if (matches(if_none_match, object.etag)) return 'not_modified';
  } else if (if_modified_since_ms !== undefined && modified_at_ms <= wholeSecond(if_modified_since_ms)) {
    return 'not_modified';
  }
  return 'go_on';
}

/** Fails with not_modified (detail.info) or precondition_failed. */
export function evaluateReadCondition(info: ObjectInfo, condition: ReadCondition | undefined): void {
  if (condition === undefined) return;
  const outcome = readConditionOutcome(info, condition);
  if (outcome === 'go_on') return;
  throw new StoreError(outcome, 'a condition of the request does not hold', {
    detail: outcome === 'not_modified' ? { info } : { info, condition: failedHeader(condition) },
  });
}

/** The header that a 412 to a read comes from: If-Match goes before If-Unmodified-Since (RFC 9110, section 13.2.2). */
function failedHeader({ if_match }: ReadCondition): string {
  return if_match === undefined ? 'If-Unmodified-Since' : 'If-Match';
}

/** S3 API reference, "CopyObject": every condition on the source that does not hold is a 412. */
export function evaluateSourceCondition(info: ObjectInfo, condition: ReadCondition | undefined): void {
  if (condition === undefined || readConditionOutcome(info, condition) === 'go_on') return;
  throw new StoreError('precondition_failed', 'a condition on the source does not hold', {
    detail: { info },
  });
}

/**
 * `current` is the live latest version, undefined when there is none or it is a delete marker. S3 User Guide, "How to
 * prevent object overwrites with conditional writes": If-Match without an object is not_found.
 */
export function evaluateWriteCondition(
  current: Pick<ObjectInfo, 'etag'> | undefined,
  condition: WriteCondition | undefined,
): void {
  if (condition === undefined) return;
  const { if_match, if_none_match } = condition;
  if (if_none_match !== undefined && current !== undefined && matches([if_none_match], current.etag)) {
    throw new StoreError('precondition_failed', 'the object exists', {
      detail: { condition: 'If-None-Match' },
    });
  }
  if (if_match === undefined) return;
  if (current === undefined) throw new StoreError('not_found', 'there is no object to match');
  if (!matches([if_match], current.etag)) {
    throw new StoreError('precondition_failed', 'the object is another one', {
      detail: { condition: 'If-Match' },
    });
  }
}

/** `target` is what would be deleted (a delete marker has the ETag ''); without one there is nothing to protect. */
export function evaluateDeleteCondition(
  target: Pick<ObjectInfo, 'etag' | 'size_bytes' | 'modified_at_ms'> | undefined,
  condition: DeleteCondition | undefined,
): void {
  if (condition === undefined || target === undefined) return;
  const { if_match, if_none_match, if_modified_at_ms, if_size_bytes } = condition;
  const holds =
    (if_match === undefined || matches([if_match], target.etag)) &&
    (if_none_match === undefined || !matches([if_none_match], target.etag)) &&
    (if_modified_at_ms === undefined ||
      wholeSecond(if_modified_at_ms) === wholeSecond(target.modified_at_ms)) &&
    (if_size_bytes === undefined || if_size_bytes === target.size_bytes);
  if (!holds) throw new StoreError('precondition_failed', 'a condition of the delete does not hold');
}

/** What reading a part comes to that lies from `start` on. */
export function partExtent(start: number, size_bytes: number): Extent {
  return size_bytes === 0 ? 'empty' : { start, end: start + size_bytes - 1 };
}

/** RFC 9110, section 14.1.2. Fails with range_not_satisfiable. */
export function resolveRange(size_bytes: number, range: ByteRange): ResolvedRange {
  if ('suffix' in range) {
    if (range.suffix > 0 && size_bytes > 0) {
      return { start: Math.max(0, size_bytes - range.suffix), end: size_bytes - 1 };
    }
  } else if (range.start < size_bytes && (range.end === undefined || range.end >= range.start)) {
    return { start: range.start, end: Math.min(range.end ?? size_bytes - 1, size_bytes - 1) };
  }
  throw new StoreError('range_not_satisfiable', `the object has ${size_bytes} bytes`, {
    detail: { size_bytes },
  });
}

/** How much is read: a range, nothing, or all. */
export function rangeBytes(range: Extent, { size_bytes }: { readonly size_bytes: number }): number {
  if (range === 'empty') return 0;
  return range === null ? size_bytes : range.end - range.start + 1;
}
