import type { ListEntry, ListObjectsInput, ListObjectsResult, ObjectInfo } from '../contract/index.js';
import type { LocalContext } from './context.js';
import { BUCKET_ID_BYTES, rawObjectKey, successor } from './index/keys.js';
import { commonPrefix, listStart } from './list-prefix.js';
import { objectInfo } from './object-info.js';

/** One synchronous read of at most `limit` entries and one more, which tells whether there is a next page. */
export async function listObjects(
  context: LocalContext,
  input: ListObjectsInput,
): Promise<ListObjectsResult> {
  const bucket = context.buckets.read(input.bucket);
  const prefix = Buffer.from(input.prefix ?? '', 'utf8');
  const delimiter = Buffer.from(input.delimiter ?? '', 'utf8');
  const end = successor(rawObjectKey(bucket.id, prefix));
  const from = listStart(
    prefix,
    delimiter,
    input.after === undefined ? undefined : Buffer.from(input.after, 'utf8'),
  );
  let start = from === undefined ? undefined : rawObjectKey(bucket.id, from);
  const entries: ListEntry<ObjectInfo>[] = [];
  let last = '';
  while (start !== undefined) {
    const range = context.tables.objects.getRange({
      start,
      ...(end && { end }),
      limit: input.limit - entries.length + 1,
    });
    start = undefined;
    for (const { key, value } of range) {
      if (entries.length === input.limit) return { entries, next: last };
      const common =
        delimiter.length === 0 ? 0 : commonPrefix(key, BUCKET_ID_BYTES + prefix.length, delimiter);
      if (common > 0) {
        last = key.toString('utf8', BUCKET_ID_BYTES, common);
        entries.push({ type: 'prefix', prefix: last });
        // The rest of what lies under it is stepped over, not walked.
        start = successor(key.subarray(0, common));
        break;
      }
      last = key.toString('utf8', BUCKET_ID_BYTES);
      entries.push({ type: 'item', item: objectInfo(value, last, true) });
    }
  }
  return { entries, next: null };
}
