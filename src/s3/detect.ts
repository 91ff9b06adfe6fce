import type { IncomingHttpHeaders } from 'node:http';
import { S3Error } from './errors.js';
import type { ParsedQuery } from './query.js';

/** From a request to the name of its operation in the S3 API reference. */

type Level = 'service' | 'bucket' | 'object';

/** A query parameter that makes it another operation, and which one, by method. */
type Subresources = Readonly<Record<string, Readonly<Record<string, string>>>>;

const BUCKET_SUBRESOURCES: Subresources = {
  abac: { GET: 'GetBucketAbac', PUT: 'PutBucketAbac' },
  accelerate: { GET: 'GetBucketAccelerateConfiguration', PUT: 'PutBucketAccelerateConfiguration' },
  acl: { GET: 'GetBucketAcl', PUT: 'PutBucketAcl' },
  analytics: {
    GET: 'GetBucketAnalyticsConfiguration',
    PUT: 'PutBucketAnalyticsConfiguration',
    DELETE: 'DeleteBucketAnalyticsConfiguration',
  },
  cors: { GET: 'GetBucketCors', PUT: 'PutBucketCors', DELETE: 'DeleteBucketCors' },
  delete: { POST: 'DeleteObjects' },
  encryption: { GET: 'GetBucketEncryption', PUT: 'PutBucketEncryption', DELETE: 'DeleteBucketEncryption' },
  'intelligent-tiering': {
    GET: 'GetBucketIntelligentTieringConfiguration',
    PUT: 'PutBucketIntelligentTieringConfiguration',
    DELETE: 'DeleteBucketIntelligentTieringConfiguration',
  },
  inventory: {
    GET: 'GetBucketInventoryConfiguration',
    PUT: 'PutBucketInventoryConfiguration',
    DELETE: 'DeleteBucketInventoryConfiguration',
  },
  lifecycle: {
    GET: 'GetBucketLifecycleConfiguration',
    PUT: 'PutBucketLifecycleConfiguration',
    DELETE: 'DeleteBucketLifecycle',
  },
  location: { GET: 'GetBucketLocation' },
  logging: { GET: 'GetBucketLogging', PUT: 'PutBucketLogging' },
  metadataAnnotationTable: { PUT: 'UpdateBucketMetadataAnnotationTableConfiguration' },
  metadataConfiguration: {
    GET: 'GetBucketMetadataConfiguration',
    POST: 'CreateBucketMetadataConfiguration',
    DELETE: 'DeleteBucketMetadataConfiguration',
  },
  metadataInventoryTable: { PUT: 'UpdateBucketMetadataInventoryTableConfiguration' },
  metadataJournalTable: { PUT: 'UpdateBucketMetadataJournalTableConfiguration' },
  metadataTable: {
    GET: 'GetBucketMetadataTableConfiguration',
    POST: 'CreateBucketMetadataTableConfiguration',
    DELETE: 'DeleteBucketMetadataTableConfiguration',
  },
  metrics: {
    GET: 'GetBucketMetricsConfiguration',
    PUT: 'PutBucketMetricsConfiguration',
    DELETE: 'DeleteBucketMetricsConfiguration',
  },
  notification: { GET: 'GetBucketNotificationConfiguration', PUT: 'PutBucketNotificationConfiguration' },
  'object-lock': { GET: 'GetObjectLockConfiguration', PUT: 'PutObjectLockConfiguration' },
  ownershipControls: {
    GET: 'GetBucketOwnershipControls',
    PUT: 'PutBucketOwnershipControls',
    DELETE: 'DeleteBucketOwnershipControls',
  },
  policy: { GET: 'GetBucketPolicy', PUT: 'PutBucketPolicy', DELETE: 'DeleteBucketPolicy' },
  policyStatus: { GET: 'GetBucketPolicyStatus' },
  publicAccessBlock: {
    GET: 'GetPublicAccessBlock',
    PUT: 'PutPublicAccessBlock',
    DELETE: 'DeletePublicAccessBlock',
  },
  replication: {
    GET: 'GetBucketReplication',
    PUT: 'PutBucketReplication',
    DELETE: 'DeleteBucketReplication',
  },
  requestPayment: { GET: 'GetBucketRequestPayment', PUT: 'PutBucketRequestPayment' },
  session: { GET: 'CreateSession' },
  tagging: { GET: 'GetBucketTagging', PUT: 'PutBucketTagging', DELETE: 'DeleteBucketTagging' },
  uploads: { GET: 'ListMultipartUploads' },
  versioning: { GET: 'GetBucketVersioning', PUT: 'PutBucketVersioning' },
  versions: { GET: 'ListObjectVersions' },
  website: { GET: 'GetBucketWebsite', PUT: 'PutBucketWebsite', DELETE: 'DeleteBucketWebsite' },
};

const OBJECT_SUBRESOURCES: Subresources = {
  acl: { GET: 'GetObjectAcl', PUT: 'PutObjectAcl' },
  annotation: {
    GET: 'GetObjectAnnotation',
    PUT: 'PutObjectAnnotation',
    DELETE: 'DeleteObjectAnnotation',
  },
  attributes: { GET: 'GetObjectAttributes' },
  encryption: { PUT: 'UpdateObjectEncryption' },
  'legal-hold': { GET: 'GetObjectLegalHold', PUT: 'PutObjectLegalHold' },
  renameObject: { PUT: 'RenameObject' },
  restore: { POST: 'RestoreObject' },
  retention: { GET: 'GetObjectRetention', PUT: 'PutObjectRetention' },
  select: { POST: 'SelectObjectContent' },
  tagging: { GET: 'GetObjectTagging', PUT: 'PutObjectTagging', DELETE: 'DeleteObjectTagging' },
  torrent: { GET: 'GetObjectTorrent' },
  uploadId: {
    GET: 'ListParts',
    PUT: 'UploadPart',
    POST: 'CompleteMultipartUpload',
    DELETE: 'AbortMultipartUpload',
  },
  uploads: { POST: 'CreateMultipartUpload' },
};

const SUBRESOURCES: Readonly<Record<Level, Subresources>> = {
  service: {},
  bucket: BUCKET_SUBRESOURCES,
  object: OBJECT_SUBRESOURCES,
};

/** Without a subresource. */
const PLAIN: Readonly<Record<Level, Readonly<Record<string, string>>>> = {
  service: { GET: 'ListBuckets' },
  bucket: {
    GET: 'ListObjects',
    HEAD: 'HeadBucket',
    PUT: 'CreateBucket',
    POST: 'PostObject',
    DELETE: 'DeleteBucket',
    OPTIONS: 'PreflightRequest',
  },
  object: {
    GET: 'GetObject',
    HEAD: 'HeadObject',
    PUT: 'PutObject',
    DELETE: 'DeleteObject',
    OPTIONS: 'PreflightRequest',
  },
};

/** Names of one level that would change the meaning of a request on the other: never to be passed over. */
const ALL_SUBRESOURCES: ReadonlySet<string> = new Set([
  ...Object.keys(BUCKET_SUBRESOURCES),
  ...Object.keys(OBJECT_SUBRESOURCES),
]);

/** Kinds of bucket configuration of which there are many: without an id they are listed. */
const LISTED_WITHOUT_ID: ReadonlyMap<string, string> = new Map([
  ['GetBucketAnalyticsConfiguration', 'ListBucketAnalyticsConfigurations'],
  ['GetBucketIntelligentTieringConfiguration', 'ListBucketIntelligentTieringConfigurations'],
  ['GetBucketInventoryConfiguration', 'ListBucketInventoryConfigurations'],
  ['GetBucketMetricsConfiguration', 'ListBucketMetricsConfigurations'],
]);

/**
 * The operation of a request; MethodNotAllowed where method and subresource make none. Query parameters that S3 does
 * not know are passed over, as S3 does.
 */
export function detectOperation(
  method: string,
  bucket: string,
  key: string,
  query: ParsedQuery,
  headers: IncomingHttpHeaders,
): string {
  const level: Level = key !== '' ? 'object' : bucket !== '' ? 'bucket' : 'service';
  const name = bySubresource(method, level, query) ?? plain(method, level, bucket);
  return refine(name, query, headers);
}

function bySubresource(method: string, level: Level, query: ParsedQuery): string | undefined {
  if (level === 'service' || query.encoded.length === 0) return undefined;
  for (const parameter of query.names()) {
    if (!ALL_SUBRESOURCES.has(parameter)) continue;
    const byMethod = SUBRESOURCES[level][parameter];
    const name = byMethod?.[method];
    if (name === undefined) throw methodNotAllowed(method, parameter, byMethod);
    return name;
  }
  return undefined;
}

function plain(method: string, level: Level, bucket: string): string {
  if (method === 'POST' && level === 'bucket' && bucket === 'WriteGetObjectResponse') return bucket;
  const name = PLAIN[level][method];
  if (name === undefined) throw methodNotAllowed(method, level.toUpperCase(), PLAIN[level]);
  return name;
}

/** Operations that share method and subresource. */
function refine(name: string, query: ParsedQuery, headers: IncomingHttpHeaders): string {
  switch (name) {
    case 'PutObject':
      return headers['x-amz-copy-source'] === undefined ? name : 'CopyObject';
    case 'UploadPart':
      return headers['x-amz-copy-source'] === undefined ? name : 'UploadPartCopy';
    case 'ListObjects':
      return query.get('list-type') === '2' ? 'ListObjectsV2' : name;
    case 'GetObjectAnnotation':
      return query.has('annotationName') ? name : 'ListObjectAnnotations';
    default:
      return query.has('id') ? name : (LISTED_WITHOUT_ID.get(name) ?? name);
  }
}

function methodNotAllowed(
  method: string,
  resource: string,
  allowed: Readonly<Record<string, string>> | undefined,
): S3Error {
  return new S3Error('MethodNotAllowed', {
    fields: { Method: method, ResourceType: resource },
    headers: { allow: Object.keys(allowed ?? {}).join(', ') },
  });
}
