import type { NewChange } from '../feed/change-log.js';
import { bucketChange } from '../feed/outcomes.js';

/**
 * Records of MinIO's event notifications (MinIO documentation, "Bucket Notifications"; the record follows the S3 User
 * Guide, "Event message structure").
 */
export interface MinioEvent {
  readonly change: NewChange;
  /** Who sent the request that caused it. */
  readonly user_agent: string;
}

/** What to listen to; accesses, replication and transitions change no object. */
export const EVENTS = [
  's3:ObjectCreated:*',
  's3:ObjectRemoved:*',
  's3:BucketCreated:*',
  's3:BucketRemoved:*',
];

interface EventRecord {
  readonly eventName?: unknown;
  readonly s3?: {
    readonly bucket?: { readonly name?: unknown };
    readonly object?: {
      readonly key?: unknown;
      readonly size?: unknown;
      readonly eTag?: unknown;
      readonly versionId?: unknown;
      readonly sequencer?: unknown;
    };
  };
  readonly source?: { readonly userAgent?: unknown };
}

const PUTS = new Set(['Put', 'Post', 'Copy', 'CompleteMultipartUpload']);
const METADATA = new Set(['PutTagging', 'DeleteTagging', 'PutRetention', 'PutLegalHold']);

/** null: nothing that a feed tells of. `unknown`: something changed, but the record does not say what. */
export function readEvent(value: unknown): MinioEvent | 'unknown' | null {
  const record = value as EventRecord;
  const { eventName, s3, source } = record;
  const bucket = s3?.bucket?.name;
  if (typeof eventName !== 'string' || typeof bucket !== 'string') return 'unknown';
  const change = changeOf(eventName, bucket, s3?.object ?? {});
  if (change === null || change === 'unknown') return change;
  return { change, user_agent: String(source?.userAgent ?? '') };
}

function changeOf(
  event: string,
  bucket: string,
  object: NonNullable<NonNullable<EventRecord['s3']>['object']>,
): NewChange | 'unknown' | null {
  const [, group, name = ''] = event.split(':');
  if (group === 'BucketCreated') return bucketChange('bucket_created', bucket);
  if (group === 'BucketRemoved') return bucketChange('bucket_deleted', bucket);
  const type = typeOf(group ?? '', name);
  if (type === null || type === 'unknown') return type;
  // Listeners get keys as they are, other than the targets of a bucket's notifications, which get them escaped.
  const { key } = object;
  if (typeof key !== 'string' || key === '') return 'unknown';
  const empty = type === 'delete' || type === 'delete_marker';
  return {
    type,
    bucket,
    key,
    version_id: typeof object.versionId === 'string' && object.versionId !== '' ? object.versionId : 'null',
    etag: empty ? '' : String(object.eTag ?? ''),
    size_bytes: empty || typeof object.size !== 'number' ? 0 : object.size,
    modified_at_ms: type === 'put' ? writtenAt(object.sequencer) : null,
  };
}

function typeOf(
  group: string,
  name: string,
): 'put' | 'metadata' | 'delete' | 'delete_marker' | 'unknown' | null {
  if (group === 'ObjectCreated') {
    if (PUTS.has(name)) return 'put';
    return METADATA.has(name) ? 'metadata' : 'unknown';
  }
  if (group !== 'ObjectRemoved') return null;
  if (name === 'Delete') return 'delete';
  if (name === 'DeleteMarkerCreated') return 'delete_marker';
  return name === 'NoOP' ? null : 'unknown';
}

/** Of a write the sequencer is the time that listings show, as hexadecimal nanoseconds. */
function writtenAt(sequencer: unknown): number | null {
  if (typeof sequencer !== 'string' || !/^[0-9A-Fa-f]{1,16}$/.test(sequencer)) return null;
  return Number(BigInt(`0x${sequencer}`) / 1_000_000n);
}
