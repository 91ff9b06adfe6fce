import type { ListObjectPartsResult, ObjectAddress } from '../contract/index.js';
import type { LocalContext } from './context.js';
import { versionInfo } from './object-info.js';
import { findRecord, readManifest } from './read-object.js';

export async function listObjectParts(
  context: LocalContext,
  input: ObjectAddress & { readonly after?: number; readonly limit: number },
): Promise<ListObjectPartsResult> {
  const bucket = context.buckets.read(input.bucket);
  const { record, is_latest } = findRecord(context, bucket, input);
  const info = versionInfo(bucket, record, input.key, is_latest);
  if (record.content !== 'manifest') return { info, parts: [], next: null };
  const after = input.after ?? 0;
  const rest = readManifest(context, record).filter((part) => part.part_number > after);
  const parts = rest
    .slice(0, input.limit)
    .map(({ part_number, size_bytes, checksum }) => ({ part_number, size_bytes, checksum }));
  return { info, parts, next: rest.length > parts.length ? (parts.at(-1)?.part_number ?? null) : null };
}
