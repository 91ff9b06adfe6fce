import { readFileSync } from 'node:fs';

/** An operation of the S3 API: name, method, URI, and the query parameters and headers that it requires. */
export interface ModelOperation {
  readonly name: string;
  readonly method: string;
  readonly uri: string;
  readonly query: readonly string[];
  readonly headers: readonly string[];
}

/** All of them, as botocore models them: s3-model.json is generated from its s3/2006-03-01/service-2.json. */
export const S3_MODEL: readonly ModelOperation[] = JSON.parse(
  readFileSync(new URL('s3-model.json', import.meta.url), 'utf8'),
);

/** Older names of what is one operation on the wire. */
export const ALIASES: ReadonlyMap<string, string> = new Map([
  ['GetBucketLifecycle', 'GetBucketLifecycleConfiguration'],
  ['GetBucketNotification', 'GetBucketNotificationConfiguration'],
  ['PutBucketLifecycle', 'PutBucketLifecycleConfiguration'],
  ['PutBucketNotification', 'PutBucketNotificationConfiguration'],
]);
