import { randomBytes } from 'node:crypto';
import { DOCUMENTS_BUCKET } from '../../config/reserved-names.js';
import type { Adapter } from '../contract/index.js';
import { type Feed, type FeedOptions, type FeedStatus, openFeed } from '../feed/open-feed.js';
import { bucketChange } from '../feed/outcomes.js';
import { credentialSource } from '../s3/credential-source.js';
import { bucketOfDocument } from '../s3/documents.js';
import { openS3Adapter } from '../s3/open-s3-adapter.js';
import type { S3AdapterOptions } from '../s3/options.js';
import type { MinioOptions } from './client.js';
import { readEvent } from './events.js';
import { listenToMinio, type NotificationStatus } from './notifications.js';
import { inspectMinio, type MinioServer } from './server-info.js';

export interface MinioFeedStatus extends FeedStatus {
  readonly notifications: NotificationStatus;
}

export interface OpenedMinio {
  readonly adapter: Adapter;
  readonly feed: Feed | null;
  /** Rejects when nobody answers. */
  inspect(): Promise<MinioServer>;
  feedStatus(): MinioFeedStatus | null;
}

/**
 * The s3 adapter over a MinIO, and what MinIO alone has: notifications as the source of what others write, health and
 * server information. Nothing is asked of it yet: it may be down when the node starts.
 */
export async function openMinioAdapter(
  options: S3AdapterOptions & { readonly endpoint: string },
  feed_options?: FeedOptions,
): Promise<OpenedMinio> {
  // MinIO names the client in its records: those of this process are told from all others by it.
  const mark = `backup-node-feed/${randomBytes(8).toString('hex')}`;
  const credentials = credentialSource(options);
  const minio: MinioOptions = { ...options, credentials };
  const server = inspectMinio(minio);
  const marked = feed_options === undefined ? options : { ...options, user_agent: mark };
  const bare = await openS3Adapter(marked, credentials);
  if (feed_options === undefined) {
    const adapter = { ...bare, close: () => closeAll([bare, server]) };
    return { adapter, feed: null, inspect: server.inspect, feedStatus: () => null };
  }
  const feed = openFeed(bare, feed_options);
  const notifications = listenToMinio({
    minio,
    onConnect: () => feed.reconciler.request(),
    onRecord: (record) => tell(feed, record, mark, options.documents_bucket ?? DOCUMENTS_BUCKET),
  });
  return {
    adapter: { ...feed.adapter, close: () => closeAll([notifications, feed.adapter, server]) },
    feed,
    inspect: server.inspect,
    feedStatus: () => ({ ...feed.status(), notifications: notifications.status() }),
  };
}

async function closeAll(parts: readonly { close(): Promise<void> }[]): Promise<void> {
  for (const part of parts) await part.close();
}

async function tell(feed: Feed, record: unknown, mark: string, documents_bucket: string): Promise<void> {
  const event = readEvent(record);
  if (event === null) return;
  if (event === 'unknown') return feed.reconciler.request();
  const is_own = event.user_agent.includes(mark);
  const { change } = event;
  if (change.bucket === documents_bucket) {
    const bucket = bucketOfDocument(change.key);
    if (is_own || bucket === undefined) return;
    // Another node has written a document of this bucket.
    return feed.tell(bucketChange('bucket_changed', bucket));
  }
  if (is_own) return feed.confirm(change);
  return feed.tell(change);
}
