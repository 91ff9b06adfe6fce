import { LIMITS } from '../../config/limits.js';
import { DOCUMENTS_BUCKET } from '../../config/reserved-names.js';
import type { Adapter } from '../contract/index.js';
import { createBucketBook } from './bucket-book.js';
import type { CredentialSource } from './credential-source.js';
import { createHeldAnswers } from './held-answers.js';
import { createListedRecords } from './listed-records.js';
import type { S3AdapterOptions } from './options.js';
import { capabilitiesOf, PROVIDER_HABITS } from './providers.js';
import { createRecords } from './records.js';
import { createReservedBuckets } from './reserved-buckets.js';
import { createS3Adapter } from './s3-adapter.js';
import { createUploadRecords } from './upload-records.js';
import { openUpstream } from './upstream.js';
import { createVerifiedParts } from './verified-parts.js';

/** Nothing is asked of the upstream yet: it may be down when the node starts. */
export async function openS3Adapter(
  options: S3AdapterOptions,
  credentials?: CredentialSource,
): Promise<Adapter> {
  const capabilities = capabilitiesOf(options);
  const upstream = openUpstream(options, credentials);
  const habits = PROVIDER_HABITS[options.provider];
  const documents_bucket = options.documents_bucket ?? DOCUMENTS_BUCKET;
  const reserved = createReservedBuckets({
    upstream,
    habits,
    names: reservedNames(options, documents_bucket),
  });
  const records = createRecords(upstream, documents_bucket, reserved);
  return createS3Adapter({
    name: options.name,
    capabilities,
    habits,
    copies: {
      once_bytes_max: options.copy_once_bytes_max ?? capabilities.put_bytes_max,
      part_bytes: options.copy_part_bytes ?? LIMITS.upstream_copy_part_bytes,
    },
    upstream,
    records,
    reserved,
    buckets: createBucketBook(upstream, capabilities, records),
    listed: createListedRecords(records, habits.md5_etags),
    uploads: createUploadRecords(records),
    verified_parts: createVerifiedParts(),
    held: createHeldAnswers(),
    pace: options.pace,
  });
}

function reservedNames(
  { name, reserved_buckets = {} }: S3AdapterOptions,
  documents_bucket: string,
): ReadonlyMap<string, string> {
  const keys = Object.entries({ ...reserved_buckets, documents_bucket });
  return new Map(keys.map(([key, bucket]) => [bucket, `adapters.${name}.${key}`]));
}
