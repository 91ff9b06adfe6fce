import type { ListedBucket } from '../../../adapters/contract/index.js';
import { LIMITS } from '../../../config/limits.js';
import { invalidArgument } from '../errors.js';
import type { Operation, OperationContext, Reply } from '../operation.js';
import { ownerMembers } from '../parameters/owner.js';
import { wholeSecondsXml } from '../parameters/times.js';
import { decodeToken, encodeToken } from '../parameters/tokens.js';
import { escapeXml, xmlDocument } from '../xml.js';

/** S3 API reference, "ListBuckets". Root sees all buckets, others their own. */
export const listBuckets: Operation = {
  name: 'ListBuckets',
  action: 's3:ListAllMyBuckets',
  body: 'none',
  run,
};

async function run(context: OperationContext): Promise<Reply> {
  const { query, identity, credentials, region } = context;
  const prefix = query.get('prefix');
  const limit = bucketLimit(query.get('max-buckets'));
  const token = query.get('continuation-token');
  const wantedRegion = query.get('bucket-region');
  const page = await collect(context, limit, token ? decodeToken(token) : undefined);
  const buckets = page.buckets
    .filter((bucket) => wantedRegion === undefined || (bucket.region || region) === wantedRegion)
    .map((bucket) => bucketXml(bucket, region));
  const body =
    `<Owner>${ownerMembers(identity.id, credentials)}</Owner><Buckets>${buckets.join('')}</Buckets>` +
    (page.next === null ? '' : `<ContinuationToken>${encodeToken(page.next)}</ContinuationToken>`) +
    (prefix === undefined ? '' : `<Prefix>${escapeXml(prefix)}</Prefix>`);
  return {
    status: 200,
    headers: {
      [UNAVAILABLE_HEADER]: page.unavailable.size === 0 ? undefined : [...page.unavailable].join(', '),
    },
    body: xmlDocument('ListAllMyBucketsResult', body),
  };
}

/** S3 has no partial answer: this is how a client sees that buckets of some mounts are missing, and of which. */
const UNAVAILABLE_HEADER = 'x-backup-node-unavailable-mounts';

/** Stores give pages of their own size; S3 answers with one page of up to `limit`. */
async function collect(context: OperationContext, limit: number, from: string | undefined) {
  const { store, query, identity, signal } = context;
  const prefix = query.get('prefix');
  const buckets: ListedBucket[] = [];
  const unavailable = new Set<string>();
  let after = from;
  for (;;) {
    const page = await store.listBuckets({
      ...(prefix === undefined ? {} : { prefix }),
      ...(identity.is_root ? {} : { owner: identity.id }),
      ...(after === undefined ? {} : { after }),
      limit: Math.min(limit - buckets.length, store.capabilities.list_limit_max),
      signal,
    });
    buckets.push(...page.buckets);
    for (const mount of page.unavailable_mounts ?? []) unavailable.add(mount);
    if (page.next === null || buckets.length >= limit) return { buckets, next: page.next, unavailable };
    after = page.next;
  }
}

function bucketXml(bucket: ListedBucket, region: string): string {
  return (
    `<Bucket><Name>${escapeXml(bucket.name)}</Name>` +
    `<CreationDate>${wholeSecondsXml(bucket.created_at_ms)}</CreationDate>` +
    `<BucketRegion>${escapeXml(bucket.region || region)}</BucketRegion></Bucket>`
  );
}

const DIGITS = /^\d{1,9}$/;

function bucketLimit(text: string | undefined): number {
  if (text === undefined || text === '') return LIMITS.list_buckets_max;
  const value = DIGITS.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= LIMITS.list_buckets_max) return value;
  throw invalidArgument(
    'max-buckets',
    text,
    `Argument max-buckets must be an integer between 1 and ${LIMITS.list_buckets_max}`,
  );
}
