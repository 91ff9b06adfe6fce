import { createChecksum } from '../../src/wire/checksums.js';
import { evaluateSourceCondition, evaluateWriteCondition } from '../conditions.js';
import {
  type CopyObjectInput,
  type CopyObjectResult,
  type ObjectAttributes,
  StoreError,
} from '../contract/index.js';
import { shareContent } from './content.js';
import type { LocalContext } from './context.js';
import type { ObjectRecord, StoredChecksum } from './index/records.js';
import type { BucketRecord } from './index/tables.js';
import type { WriteTransaction } from './index/writer.js';
import { etagOf, objectInfo, versionId } from './object-info.js';
import { newRecord, publishVersion } from './put-object.js';
import { findRecord, openBody } from './read-object.js';
import { findLive, subjectOf } from './version-store.js';

/** Shares the source's content: no bytes are copied, whatever its size. */
export async function copyObject(context: LocalContext, input: CopyObjectInput): Promise<CopyObjectResult> {
  context.buckets.read(input.bucket);
  const source = findSource(context, context.buckets.read(input.source.bucket), input);
  await context.space.admit(0);
  const checksum = await newChecksum(context, source, input);
  return context.writer.run((transaction) =>
    commitCopy(context, transaction, input, { sequence: source.sequence, checksum }),
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
}

function commitCopy(
  context: LocalContext,
  transaction: WriteTransaction,
  input: CopyObjectInput,
  seen: Seen,
): CopyObjectResult {
  const bucket = context.buckets.write(input.bucket);
  const source = findSource(context, context.buckets.write(input.source.bucket), input);
  if (seen.checksum !== null && source.sequence !== seen.sequence) {
    throw new StoreError('conflict', 'the source changed while it was copied');
  }
  const subject = subjectOf(bucket, input.key);
  const live = findLive(context, subject);
  evaluateWriteCondition(live && { etag: etagOf(live) }, input.condition);
  const sequence = transaction.nextSequence();
  // Before anything gives way: a copy onto itself takes hold of the content it is about to let go of.
  shareContent(context, source, sequence);
  const record: ObjectRecord = {
    ...newRecord(bucket, transaction.now_ms, sequence, attributesOf(input, source)),
    size_bytes: source.size_bytes,
    md5: source.md5,
    parts_count: source.parts_count,
    content: source.content,
    sha256: source.sha256,
    manifest_id: source.manifest_id,
    checksum: seen.checksum ?? source.checksum,
  };
  const info = publishVersion(context, transaction, subject, record, live);
  return { info, source_version_id: versionId(source) };
}

function attributesOf(input: CopyObjectInput, source: ObjectRecord): ObjectAttributes {
  const given = input.attributes ?? {};
  return {
    ...given,
    ...(input.replace_attributes ? {} : { headers: source.headers, metadata: source.metadata }),
    ...(input.replace_tags ? {} : { tags: source.tags }),
  };
}
