import type { Capabilities } from '../contract/index.js';
import type { Pace } from '../decorators/bandwidth.js';
import type { BucketBook } from './bucket-book.js';
import type { HeldAnswers } from './held-answers.js';
import type { ListedRecords } from './listed-records.js';
import type { Habits } from './providers.js';
import type { Records } from './records.js';
import type { ReservedBuckets } from './reserved-buckets.js';
import type { UploadRecords } from './upload-records.js';
import type { Upstream } from './upstream.js';
import type { VerifiedParts } from './verified-parts.js';

/** What every operation works with. */
export interface S3Context {
  readonly name: string;
  readonly capabilities: Capabilities;
  readonly habits: Habits;
  /** Larger objects are copied in parts of part_bytes. */
  readonly copies: { readonly once_bytes_max: number; readonly part_bytes: number };
  readonly upstream: Upstream;
  readonly records: Records;
  readonly reserved: ReservedBuckets;
  readonly buckets: BucketBook;
  readonly listed: ListedRecords;
  readonly uploads: UploadRecords;
  readonly verified_parts: VerifiedParts;
  readonly held: HeldAnswers;
  readonly pace: Pace | undefined;
}
