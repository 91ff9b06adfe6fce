import { createChecksum } from '../../src/wire/checksums.js';
import { evaluateSourceCondition, evaluateWriteCondition } from '../conditions.js';
import {
  type CopyObjectInput,
  type CopyObjectResult,
  type ObjectAttributes,
  StoreError,
} from '../contract/index.js';
import { commitContent, shareContent } from './content.js';
import type { LocalContext } from './context.js';
import type { ObjectRecord, StoredChecksum } from './index/records.js';
import type { BucketRecord } from './index/tables.js';
import type { WriteTransaction } from './index/writer.js';
import { etagOf, objectInfo, versionId } from './object-info.js';
import { protectionFor } from './protection.js';
import { newRecord, publishVersion } from './put-object.js';
import { findRecord, openBody } from './read-object.js';
import { type ContentFields, mayShareContent, type Recoded, recodeContent } from './recode-content.js';
import { findLive, subjectOf } from './version-store.js';

/**
 * Shares the source's content: no bytes are copied, whatever its size. Only where one of the two buckets is encrypted and
 * the other is not, they are written anew.
 */
export async function copyObject(context: LocalContext, input: CopyObjectInput): Promise<CopyObjectResult> {
  context.buckets.read(input.bucket);
  const source = findSource(context, context.buckets.read(input.source.bucket), input);
  const recode = !mayShareContent(context, input.bucket, source);
  await context.space.admit(recode ? source.size_bytes : 0);
  const checksum = await newChecksum(context, source, input);
  const seen = { sequence: source.sequence, checksum };
  if (!recode) {
    return context.writer.run((transaction) =>
      commitCopy(context, transaction, input, { ...seen, recoded: null }),
    );
  }
  const { headers } = attributesOf(input, source);
  const protection = protectionFor(context, input.bucket, headers);
  const recoded = await recodeContent(context, source, protection, input.signal);
  return commitContent(context, recoded.written, (transaction) =>
    commitCopy(context, transaction, input, { ...seen, recoded }),
  );
}

function findSource(context: LocalContext, bucket: BucketRecord, input: CopyObjectInput): ObjectRecord {
  const { record, is_latest } = findRecord(context, bucket, input.source);
  evaluateSourceCondition(objectInfo(record, input.source.key, is_latest), input.source.condition);
  return record;
}

/** Null: that of the source is kept. */
async function newChecksum(
  context: LocalContext,
  source: ObjectRecord,
  input: CopyObjectInput,
): Promise<StoredChecksum | null> {
  const algorithm = input.checksum_algorithm;
  if (algorithm === undefined || source.checksum?.algorithm === algorithm) return null;
  const hasher = createChecksum(algorithm);
  const body = openBody(context, source, null);
  if (body instanceof Uint8Array) hasher.update(body);
  else {
    for await (const chunk of body) {
      input.signal?.throwIfAborted();
      hasher.update(chunk);
    }
  }
  return { algorithm, type: 'FULL_OBJECT', value: hasher.digest().toString('base64') };
}

interface Seen {
  readonly sequence: number;
  readonly checksum: StoredChecksum | null;
  /** Null: the content is shared. */
  readonly recoded: Recoded | null;
}

function commitCopy(
  context: LocalContext,
  transaction: WriteTransaction,
  input: CopyObjectInput,
  seen: Seen,
): CopyObjectResult {
  const bucket = context.buckets.write(input.bucket);
  const source = findSource(context, context.buckets.write(input.source.bucket), input);
  if (source.sequence !== seen.sequence && !isStillFit(context, input, source, seen)) {
    throw new StoreError('conflict', 'the source changed while it was copied');
  }
  const subject = subjectOf(bucket, input.key);
  const live = findLive(context, subject);
  evaluateWriteCondition(live && { etag: etagOf(live) }, input.condition);
  const sequence = transaction.nextSequence();
  // Before anything gives way: a copy onto itself takes hold of the content it is about to let go of.
  const content = seen.recoded?.store(transaction, sequence) ?? shared(context, source, sequence);
  const record: ObjectRecord = {
    ...newRecord(bucket, transaction.now_ms, sequence, attributesOf(input, source)),
    size_bytes: source.size_bytes,
    md5: source.md5,
    parts_count: source.parts_count,
    ...content,
    checksum: seen.checksum ?? source.checksum,
  };
  const info = publishVersion(context, transaction, subject, record, live);
  return { info, source_version_id: versionId(source) };
}

/** The source has changed meanwhile: nothing that was made of the one before may become the copy. */
function isStillFit(
  context: LocalContext,
  input: CopyObjectInput,
  source: ObjectRecord,
  seen: Seen,
): boolean {
  return seen.checksum === null && seen.recoded === null && mayShareContent(context, input.bucket, source);
}

function shared(context: LocalContext, source: ObjectRecord, sequence: number): ContentFields {
  shareContent(context, source, sequence);
  const { content, codec, sha256, blob_id, manifest_id } = source;
  return { content, codec, sha256, blob_id, manifest_id };
}

function attributesOf(input: CopyObjectInput, source: ObjectRecord): ObjectAttributes {
  const given = input.attributes ?? {};
  return {
    ...given,
    ...(input.replace_attributes ? {} : { headers: source.headers, metadata: source.metadata }),
    ...(input.replace_tags ? {} : { tags: source.tags }),
  };
}
