import {
  type BucketDocument,
  type CreateBucketInput,
  type DocumentAddress,
  StoreError,
} from '../contract/index.js';
import type { S3Context } from './context.js';

/**
 * Each bucket has a folder of its own, not each name: the documents of a deleted bucket are never in force for one that is
 * made later, whoever ended in between. No bucket has an @ in its name. Without an id: of buckets that others made.
 */
const folderOf = (bucket: string, id: string | undefined): string =>
  id === undefined ? `documents/${bucket}/` : `documents/${bucket}@${id}/`;

/** The bucket whose document lies there; undefined for any other path of the reserved bucket. */
export function bucketOfDocument(path: string): string | undefined {
  return /^documents\/([^/@]+)(?:@[^/]+)?\/[^/]+$/.exec(path)?.[1];
}

async function pathOf({ buckets }: S3Context, { bucket, kind, signal }: DocumentAddress): Promise<string> {
  const { id } = await buckets.find(bucket, signal);
  return `${folderOf(bucket, id)}${kind}`;
}

export async function getDocument(context: S3Context, input: DocumentAddress): Promise<BucketDocument> {
  const path = await pathOf(context, input);
  const document = await context.records.readRecent(path, input.signal);
  if (document === null) {
    throw new StoreError('not_found', `the bucket has no ${input.kind} document`, { subject: 'document' });
  }
  return document;
}

export async function putDocument(
  context: S3Context,
  input: DocumentAddress & { readonly content: string; readonly if_etag?: string | null },
): Promise<BucketDocument> {
  const { bucket, content, if_etag, signal } = input;
  // Another node may have made it anew: what is written for the one before would never be in force.
  context.buckets.forget(bucket);
  const path = await pathOf(context, input);
  const etag = await context.records.write(path, content, { if_etag, signal });
  return { content, etag };
}

export async function deleteDocument(context: S3Context, input: DocumentAddress): Promise<void> {
  context.buckets.forget(input.bucket);
  await context.records.remove(await pathOf(context, input), input.signal);
}

/** Of a bucket that is being made: nobody looks for them before its record names the id. */
export async function addDocuments(
  { records }: S3Context,
  { bucket, documents = {}, signal }: CreateBucketInput,
  id: string | undefined,
): Promise<void> {
  for (const [kind, content] of Object.entries(documents))
    await records.write(`${folderOf(bucket, id)}${kind}`, content, { signal });
}

/** With their bucket. */
export async function removeDocuments(
  { records }: S3Context,
  bucket: string,
  id: string | undefined,
): Promise<void> {
  const folder = folderOf(bucket, id);
  for (const kind of await records.list(folder)) await records.remove(`${folder}${kind}`);
}
