import { ListBucketsCommand } from '@aws-sdk/client-s3';
import type { BucketInfo } from '../contract/index.js';
import { abortable } from './abortable.js';
import { nextToken } from './listing.js';
import type { Upstream } from './upstream.js';

/** As the upstream lists it. */
export type AccountBucket = Pick<BucketInfo, 'name' | 'created_at_ms'>;

/** What ListBuckets tells: "all buckets owned by the authenticated sender of the request" (S3 API reference). */
export async function* accountBuckets(
  { sdk }: Upstream,
  signal: AbortSignal | undefined,
): AsyncGenerator<AccountBucket> {
  let ContinuationToken: string | undefined;
  do {
    const command = new ListBucketsCommand(ContinuationToken === undefined ? {} : { ContinuationToken });
    const answer = await sdk.send(command, abortable({ signal }));
    for (const { Name: name = '', CreationDate } of answer.Buckets ?? []) {
      yield { name, created_at_ms: CreationDate?.getTime() ?? 0 };
    }
    ContinuationToken = nextToken(answer.ContinuationToken, ContinuationToken);
  } while (ContinuationToken !== undefined);
}
