import { type BucketDocument, type DocumentAddress, StoreError } from '../contract/index.js';
import type { S3Context } from './context.js';

const folderOf = (bucket: string): string => `documents/${bucket}/`;
const pathOf = ({ bucket, kind }: DocumentAddress): string => `${folderOf(bucket)}${kind}`;

export async function getDocument(context: S3Context, input: DocumentAddress): Promise<BucketDocument> {
  const [, document] = await Promise.all([
    context.buckets.info(input.bucket, input.signal),
    context.records.readRecent(pathOf(input), input.signal),
  ]);
  if (document === null) {
    throw new StoreError('not_found', `the bucket has no ${input.kind} document`, { subject: 'document' });
  }
  return document;
}

export async function putDocument(
  context: S3Context,
  input: DocumentAddress & { readonly content: string; readonly if_etag?: string | null },
): Promise<BucketDocument> {
  const { content, if_etag, signal } = input;
  await context.buckets.info(input.bucket, signal);
  const etag = await context.records.write(pathOf(input), content, { if_etag, signal });
  return { content, etag };
}

export async function deleteDocument(context: S3Context, input: DocumentAddress): Promise<void> {
  await context.buckets.info(input.bucket, input.signal);
  await context.records.remove(pathOf(input), input.signal);
}

/** With their bucket. */
export async function removeDocuments(context: S3Context, bucket: string): Promise<void> {
  const folder = folderOf(bucket);
  for (const kind of await context.records.list(folder)) await context.records.remove(`${folder}${kind}`);
}
