import { createHash } from 'node:crypto';
import { type BucketDocument, type DocumentAddress, StoreError } from '../contract/index.js';
import type { LocalContext } from './context.js';
import { rawObjectKey } from './index/keys.js';

const documentKey = (bucket_id: number, kind: string): Buffer =>
  rawObjectKey(bucket_id, Buffer.from(kind, 'utf8'));

export function getDocument(context: LocalContext, input: DocumentAddress): BucketDocument {
  const bucket = context.buckets.read(input.bucket);
  const document = context.tables.documents.get(documentKey(bucket.id, input.kind));
  if (document !== undefined) return document;
  throw new StoreError('not_found', `the bucket has no document ${input.kind}`, { subject: 'document' });
}

function documentOf(content: string): BucketDocument {
  return { content, etag: createHash('sha256').update(content).digest('hex').slice(0, 32) };
}

/** In the transaction that makes the bucket. */
export function addDocuments(
  context: LocalContext,
  bucket_id: number,
  documents: Readonly<Record<string, string>>,
): void {
  for (const [kind, content] of Object.entries(documents))
    void context.tables.documents.put(documentKey(bucket_id, kind), documentOf(content));
}

export function putDocument(
  context: LocalContext,
  input: DocumentAddress & { readonly content: string; readonly if_etag?: string | null },
): Promise<BucketDocument> {
  return context.writer.run((transaction) => {
    const bucket = context.buckets.write(input.bucket);
    const key = documentKey(bucket.id, input.kind);
    const existing = context.tables.documents.get(key);
    if (input.if_etag !== undefined && input.if_etag !== (existing?.etag ?? null)) {
      throw new StoreError('precondition_failed', 'another writer changed the document', {
        subject: 'document',
      });
    }
    const document = documentOf(input.content);
    void context.tables.documents.put(key, document);
    transaction.change({
      sequence: transaction.nextSequence(),
      type: 'bucket_changed',
      bucket: input.bucket,
    });
    return document;
  });
}

export async function deleteDocument(context: LocalContext, input: DocumentAddress): Promise<void> {
  await context.writer.run((transaction) => {
    const bucket = context.buckets.write(input.bucket);
    const key = documentKey(bucket.id, input.kind);
    if (!context.tables.documents.doesExist(key)) return;
    void context.tables.documents.remove(key);
    transaction.change({
      sequence: transaction.nextSequence(),
      type: 'bucket_changed',
      bucket: input.bucket,
    });
  });
}
